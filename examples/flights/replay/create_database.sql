-- The database of the demo on its own server.
create database flights;
