import type { DatabaseService } from '../src/postgres/roles.ts'

/** Whom the attempt is made as, and whom against. */
export interface Parties {
  /** The schemas, which are named after the services. */
  readonly own: DatabaseService
  readonly other: DatabaseService
  readonly ownRole: string
  readonly otherRole: string
  /** Process of a session of the other role. */
  readonly otherPid: number
  /** The owner of the server. */
  readonly superuser: string
}

/** Everything here is refused to every role, for lack of privilege. */
export type Attempt = readonly [what: string, statement: (parties: Parties) => string]

const FILES_AND_PROGRAMS: readonly Attempt[] = [
  ['read a file of the server', () => `select pg_read_file('/etc/passwd')`],
  ['read a binary file of the server', () => `select pg_read_binary_file('/etc/passwd')`],
  ['look for a file of the server', () => `select pg_stat_file('/etc/passwd')`],
  ['list a folder of the server', () => `select pg_ls_dir('/')`],
  ['list the write-ahead log', () => `select pg_ls_waldir()`],
  ['list the logs', () => `select pg_ls_logdir()`],
  ['learn of the log file', () => `select pg_current_logfile()`],
  ['learn where the data is', () => `show data_directory`],
  ['learn where the authentication file is', () => `show hba_file`],
  ['read the authentication file', () => `select * from pg_hba_file_rules`],
  ['read the configuration file', () => `select * from pg_file_settings`],
  ['load a file into a table', ({ own }) => `copy ${own}.notes from '/etc/passwd'`],
  ['write a table into a file', ({ own }) => `copy ${own}.notes to '/tmp/sluice-notes'`],
  ['load the output of a program', ({ own }) => `copy ${own}.notes from program 'id'`],
  ['send a table to a program', ({ own }) => `copy ${own}.notes to program 'cat'`],
  ['import a file as a large object', () => `select lo_import('/etc/passwd')`],
  ['export a large object to a file', () => `select lo_export(lo_create(0), '/tmp/sluice-object')`],
  ['load a library', () => `load 'dblink'`],
  [
    'load a library at every session',
    ({ ownRole }) => `alter role ${ownRole} set session_preload_libraries = 'dblink'`,
  ],
  ['call C', ({ own }) => `create function ${own}.c() returns int language c as 'dblink', 'dblink_connect'`],
  [
    'call the server’s internals',
    ({ own }) => `create function ${own}.i() returns int language internal as 'lo_import'`,
  ],
  ['install an extension that reads files', ({ own }) => `create extension file_fdw schema ${own}`],
  ['install an extension that connects elsewhere', ({ own }) => `create extension dblink schema ${own}`],
  ['install a trusted extension', ({ own }) => `create extension pgcrypto schema ${own}`],
  ['make a tablespace', () => `create tablespace t location '/tmp'`],
  ['make a foreign data wrapper', () => `create foreign data wrapper w`],
]

const ROLES: readonly Attempt[] = [
  ['create a role', () => `create role another login`],
  ...['superuser', 'createrole', 'createdb', 'replication', 'bypassrls', 'connection limit -1'].map(
    (attribute): Attempt => [`become ${attribute}`, ({ ownRole }) => `alter role ${ownRole} ${attribute}`],
  ),
  ...[
    'pg_read_server_files',
    'pg_write_server_files',
    'pg_execute_server_program',
    'pg_read_all_data',
    'pg_monitor',
  ].map((role): Attempt => [`join ${role}`, ({ ownRole }) => `grant ${role} to ${ownRole}`]),
  ['join another role', ({ ownRole, otherRole }) => `grant ${otherRole} to ${ownRole}`],
  ['take in another role', ({ ownRole, otherRole }) => `grant ${ownRole} to ${otherRole}`],
  ['act as another role', ({ otherRole }) => `set role ${otherRole}`],
  ['act as the superuser', ({ superuser }) => `set role ${superuser}`],
  ['log in as the superuser after the fact', ({ superuser }) => `set session authorization ${superuser}`],
  ['set another role’s password', ({ otherRole }) => `alter role ${otherRole} password 'x'`],
  ['set another role’s search path', ({ own, otherRole }) => `alter role ${otherRole} set search_path = ${own}`],
  ['set everybody’s search path', ({ own }) => `alter database sluice set search_path = ${own}`],
  ['drop another role', ({ otherRole }) => `drop role ${otherRole}`],
  ['take over what another role owns', ({ ownRole, otherRole }) => `reassign owned by ${otherRole} to ${ownRole}`],
  ['drop what another role owns', ({ otherRole }) => `drop owned by ${otherRole}`],
  ['see passwords', () => `select rolpassword from pg_authid`],
  ['see passwords by the view', () => `select passwd from pg_shadow`],
]

const OTHERS_DATA: readonly Attempt[] = [
  ['read another’s table', ({ other }) => `select * from ${other}.notes`],
  ['copy another’s table', ({ other }) => `copy ${other}.notes to stdout`],
  ['insert into another’s table', ({ other }) => `insert into ${other}.notes values ('x')`],
  ['update another’s table', ({ other }) => `update ${other}.notes set text = 'x'`],
  ['delete from another’s table', ({ other }) => `delete from ${other}.notes`],
  ['truncate another’s table', ({ other }) => `truncate ${other}.notes`],
  ['lock another’s table', ({ other }) => `do $$ begin lock table ${other}.notes; end $$`],
  ['alter another’s table', ({ other }) => `alter table ${other}.notes add column more text`],
  ['own another’s table', ({ other, ownRole }) => `alter table ${other}.notes owner to ${ownRole}`],
  ['drop another’s table', ({ other }) => `drop table ${other}.notes`],
  ['be granted another’s table', ({ other, ownRole }) => `grant select on ${other}.notes to ${ownRole}`],
  [
    'look at another’s table through a view',
    ({ own, other }) => `create view ${own}.v as select * from ${other}.notes`,
  ],
  ['inherit another’s table', ({ own, other }) => `create table ${own}.heir () inherits (${other}.notes)`],
  [
    'add a partition to another’s table',
    ({ own, other }) => `create table ${own}.p partition of ${other}.notes default`,
  ],
  ['refer to another’s table', ({ own, other }) => `create table ${own}.r (text text references ${other}.notes)`],
  [
    'watch another’s table',
    ({ own, other }) => `create trigger t after insert on ${other}.notes execute function ${own}.mine()`,
  ],
  ['rewrite another’s queries', ({ other }) => `create rule r as on select to ${other}.notes do instead nothing`],
  ['analyze another’s table', ({ other }) => `analyze ${other}.notes`],
  ['call another’s function', ({ other }) => `select ${other}.mine()`],
  [
    'replace another’s function',
    ({ other }) => `create or replace function ${other}.mine() returns trigger language plpgsql as ''`,
  ],
  ['use another’s sequence', ({ other }) => `select nextval('${other}.numbers')`],
  ['make a table in another’s schema', ({ other }) => `create table ${other}.t ()`],
  [
    'make a function in another’s schema',
    ({ other }) => `create function ${other}.f() returns int language sql as 'select 1'`,
  ],
  ['drop another’s schema', ({ other }) => `drop schema ${other} cascade`],
  ['own another’s schema', ({ other, ownRole }) => `alter schema ${other} owner to ${ownRole}`],
  ['open another’s schema', ({ other }) => `grant usage on schema ${other} to public`],
  ['give away the own schema', ({ own, otherRole }) => `alter schema ${own} owner to ${otherRole}`],
  ['give a function to the superuser', ({ own, superuser }) => `alter function ${own}.mine() owner to ${superuser}`],
  [
    'read another’s table as definer of a function',
    ({ own, other }) => `create function ${own}.d() returns setof text language sql security definer
      begin atomic select * from ${other}.notes; end`,
  ],
  [
    'read another’s table as definer of a function that is checked later',
    ({ own, other }) => `create function ${own}.d() returns text language plpgsql security definer
      as $$ begin return (select text from ${other}.notes limit 1); end $$; select ${own}.d()`,
  ],
]

const DATABASE_AND_SERVER: readonly Attempt[] = [
  ['create a schema', () => `create schema mine`],
  ['rename its schema', ({ own }) => `alter schema ${own} rename to mine`],
  ['create a table in public', () => `create table public.t ()`],
  [
    'shadow a function for everybody',
    () => `create function public.lower(text) returns text language sql as 'select 1'`,
  ],
  [
    'shadow an operator for everybody',
    () => `create operator public.= (function = texteq, leftarg = text, rightarg = text)`,
  ],
  ['make a function in pg_catalog', () => `create function pg_catalog.f() returns int language sql as 'select 1'`],
  [
    'replace a function of pg_catalog',
    () => `create or replace function pg_catalog.pg_sleep(float8) returns void language sql as ''`,
  ],
  ['make a table in pg_catalog', () => `create table pg_catalog.t ()`],
  ['write into a catalog', () => `update pg_class set relowner = 10`],
  ['read statistics past their view', () => `select * from pg_statistic`],
  ['read large objects past their owner', () => `select * from pg_largeobject`],
  ['make a temporary table', () => `create temporary table t ()`],
  ['create a database', () => `create database mine`],
  ['drop the database', () => `drop database template1`],
  ['change the database', () => `alter database sluice connection limit 0`],
  ['own the database', ({ ownRole }) => `alter database sluice owner to ${ownRole}`],
  ['publish', ({ own }) => `create publication p for table ${own}.notes`],
  ['subscribe', () => `create subscription s connection 'host=127.0.0.1' publication p`],
  ['replicate physically', () => `select pg_create_physical_replication_slot('s')`],
  ['replicate logically', () => `select pg_create_logical_replication_slot('s', 'pgoutput')`],
  ['hear of every command', ({ own }) => `create event trigger e on ddl_command_start execute function ${own}.mine()`],
  ['make a cast', ({ own }) => `create cast (text as ${own}.notes) without function`],
  ['configure the server', () => `alter system set log_statement = 'all'`],
  ['reload the configuration', () => `select pg_reload_conf()`],
  ['rotate the log', () => `select pg_rotate_logfile()`],
  ['switch the write-ahead log', () => `select pg_switch_wal()`],
  ['begin a backup', () => `select pg_backup_start('b')`],
  ['checkpoint', () => `checkpoint`],
  ['log what it likes', () => `set log_statement = 'none'`],
  ['switch triggers off', () => `set session_replication_role = replica`],
  ['end another’s session', ({ otherPid }) => `select pg_terminate_backend(${otherPid})`],
  ['cancel another’s statement', ({ otherPid }) => `select pg_cancel_backend(${otherPid})`],
  ['dump another’s memory', ({ otherPid }) => `select pg_log_backend_memory_contexts(${otherPid})`],
]

/** The things that every role may do in its own schema. */
export const OWN: readonly (readonly [what: string, statement: (own: string) => string])[] = [
  [
    'make, fill, read and drop a table',
    (own) => `create table ${own}.t as select 1 as one; select * from ${own}.t; drop table ${own}.t`,
  ],
  [
    'make and drop partitions',
    (own) => `create table ${own}.t (at int) partition by range (at);
      create table ${own}.t_1 partition of ${own}.t for values from (1) to (2);
      insert into ${own}.t values (1); drop table ${own}.t_1; drop table ${own}.t`,
  ],
  [
    'make and call a function',
    (own) => `create function ${own}.f() returns int language plpgsql as 'begin return 1; end';
      select ${own}.f(); drop function ${own}.f()`,
  ],
  [
    'change a table',
    (own) =>
      `alter table ${own}.notes add column more int; create index on ${own}.notes (more); alter table ${own}.notes drop column more`,
  ],
  ['empty a table', (own) => `insert into ${own}.notes values ('x'); truncate ${own}.notes`],
  ['take an advisory lock', () => `begin; select pg_advisory_xact_lock(1); commit`],
  [
    'end its own sessions',
    () =>
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()`,
  ],
]

export const ATTEMPTS: readonly Attempt[] = [...FILES_AND_PROGRAMS, ...ROLES, ...OTHERS_DATA, ...DATABASE_AND_SERVER]
