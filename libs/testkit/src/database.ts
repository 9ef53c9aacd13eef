import { randomBytes } from 'node:crypto'
import { createRoles, type DatabaseService, type DatabaseUrls, inDatabase, roleUrls } from '@sluice/local'
import { administer, testRolePasswords } from './database-roles.ts'
import { databaseAdminUrl } from './run-context.ts'

export interface TestDatabase {
  /** As the service that it was made for reaches it: with its role, which owns the schema of its name and nothing else. */
  readonly url: string
  /** As each service reaches it. */
  readonly urls: DatabaseUrls
  /** Removes it, ending connections that are still open. */
  drop(): Promise<void>
}

/** Creates a database on the run's PostgreSQL, for the caller alone, with an empty schema for each service. */
export async function testDatabase(service: DatabaseService): Promise<TestDatabase> {
  const adminUrl = databaseAdminUrl()
  const name = `test_${randomBytes(8).toString('hex')}`
  await administer(adminUrl, `create database ${name}`)
  const ownerUrl = inDatabase(adminUrl, name)
  await createRoles(ownerUrl)
  const urls = roleUrls(ownerUrl, testRolePasswords(adminUrl))
  return { url: urls[service], urls, drop: () => administer(adminUrl, `drop database if exists ${name} with (force)`) }
}
