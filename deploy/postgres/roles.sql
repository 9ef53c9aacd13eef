-- Prepares the current database for Sluice: a login role for each service that stores something, which owns a schema of its own and may
-- do nothing else. docs/postgres.md says how to run it.
--
-- Run it as the owner of the database, who may create roles and need not be a superuser. Running it again changes nothing that is right;
-- where a restored dump has given a service's tables to another owner, they become the role's again. It fails, and changes nothing at
-- all, where a role could do more than it should.
--
-- The roles that it makes have no password: no client can log in as one of them until it has.

do $$
declare
  service record;
  item record;
  may_become boolean;
begin
  if current_setting('server_version_num')::int < 160000 then
    raise exception 'PostgreSQL 16 or later is needed, this is %', current_setting('server_version');
  end if;

  -- Everybody may connect to a new database, make temporary tables there, and use its schema "public".
  execute format('revoke all on database %I from public', current_database());
  if to_regnamespace('public') is not null then
    revoke all on schema public from public;
  end if;

  for service in
    -- No role can use up the server's 100 connections. An instance of "connections" takes 11 at most, one of the others 5.
    select * from (values
      ('connections', 'sluice_connections', 40),
      ('discovery', 'sluice_discovery', 25),
      ('usage', 'sluice_usage', 25)
    ) as services (schema, role, connection_limit)
  loop
    if to_regrole(service.role) is null then
      execute format('create role %I login connection limit %s', service.role, service.connection_limit);
    end if;
    execute format('grant connect on database %I to %I', current_database(), service.role);

    -- Only who may become a role can give it something. Who made it may grant themselves that, for as long as this takes.
    may_become := pg_has_role(service.role, 'set');
    if not may_become then
      execute format('grant %I to current_user', service.role);
    end if;
    if to_regnamespace(service.schema) is null then
      execute format('create schema %I authorization %I', service.schema, service.role);
    elsif exists (
      select from pg_namespace where nspname = service.schema and nspowner <> service.role::regrole
    ) then
      execute format('alter schema %I owner to %I', service.schema, service.role);
    end if;
    for item in
      select format('table %s', oid::regclass) as name -- PostgreSQL takes views and sequences for tables here.
      from pg_class
      where relnamespace = service.schema::regnamespace and relowner <> service.role::regrole
        and relkind in ('r', 'p', 'v', 'm', 'S')
        -- The sequence of a column follows its table.
        and not exists (
          select from pg_depend
          where relkind = 'S' and classid = 'pg_class'::regclass and objid = pg_class.oid and deptype in ('a', 'i')
        )
      union all
      select format('routine %s', oid::regprocedure)
      from pg_proc
      where pronamespace = service.schema::regnamespace and proowner <> service.role::regrole
    loop
      execute format('alter %s owner to %I', item.name, service.role);
    end loop;
    if not may_become then
      execute format('revoke %I from current_user', service.role);
    end if;

    if exists (
      select from pg_roles
      where rolname = service.role and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)
    ) or exists (select from pg_auth_members where member = service.role::regrole) then
      raise exception 'the role % has an attribute or a membership that it should not have', service.role
        using hint = 'Take it away from the role, or drop the role.';
    end if;
    if has_database_privilege(service.role, current_database(), 'create, temporary')
      or exists (
        select from pg_namespace
        where nspname in ('public', 'connections', 'discovery', 'usage') and nspname <> service.schema
          and has_schema_privilege(service.role, oid, 'create, usage')
      ) then
      raise exception 'the role % may use more of the database % than its own schema', service.role, current_database()
        using hint = 'Run this as the owner of the database, and take away what was granted to the role or to PUBLIC.';
    end if;
  end loop;
end
$$;
