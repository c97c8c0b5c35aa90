//! Files of other tools, written anew in the manner of their public examples, and what becomes of them.

mod broken;
mod dbt;
mod gx;
mod odcs;
mod shared;
mod sodacl;
