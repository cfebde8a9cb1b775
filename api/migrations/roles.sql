-- The four roles on a PostgreSQL of the operator's, and what the database may log.
--
-- Run once, by a superuser, with psql in the new and empty database:
--     psql -d cdp -f api/migrations/roles.sql
-- The passwords come from the environment; one that is not set stops the script. The embedded
-- database gets the same roles from cdp/kernel/embedded.py, and a test holds the two equal.
\set ON_ERROR_STOP on
\getenv owner_password CDP_OWNER_PASSWORD
\getenv app_password CDP_APP_PASSWORD
\getenv keeper_password CDP_KEEPER_PASSWORD
\getenv reader_password CDP_READER_PASSWORD

BEGIN;
CREATE ROLE cdp_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE cdp_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
CREATE ROLE cdp_keeper LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'keeper_password';
CREATE ROLE cdp_reader LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'reader_password';

ALTER DATABASE :"DBNAME" OWNER TO cdp_owner;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO cdp_app, cdp_keeper, cdp_reader;

-- A failed statement's values and a constraint's DETAIL stay out of the server's log.
ALTER DATABASE :"DBNAME" SET log_error_verbosity = 'terse';
ALTER DATABASE :"DBNAME" SET log_min_error_statement = 'panic';
ALTER DATABASE :"DBNAME" SET log_parameter_max_length_on_error = '0';
COMMIT;
