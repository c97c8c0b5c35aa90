//! Draws dashboards as SVG and PNG, and writes the documents of an installed database.
