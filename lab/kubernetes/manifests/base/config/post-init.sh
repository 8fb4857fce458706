#!/bin/sh
# Run once by Patroni on the first primary. The password comes from the environment, never from an argument.
exec psql --no-psqlrc --set ON_ERROR_STOP=1 "$1" <<'SQL'
\set password `printf %s "$ERP_DATABASE_PASSWORD"`
CREATE ROLE erp LOGIN PASSWORD :'password' IN ROLE pg_monitor;
CREATE DATABASE erp OWNER erp;
SQL
