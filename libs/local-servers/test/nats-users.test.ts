import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@sluice/testkit'
import { beforeEach, expect, it } from 'vitest'
import { ensureNatsPasswords, NATS_USERS, natsConfigFile } from '../src/nats/nats-config.ts'

let file: string
beforeEach(async () => {
  file = join(await temporaryFolder(), 'nats-passwords')
})

it('generates a password for each user once, for the owner of the file alone', async () => {
  const passwords = await ensureNatsPasswords(file)
  expect(new Set(Object.values(passwords)).size).toBe(NATS_USERS.length)
  for (const password of Object.values(passwords)) expect(password).toMatch(/^n[\w-]{32}$/)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  await chmod(file, 0o644)
  expect(await ensureNatsPasswords(file)).toEqual(passwords)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

it('keeps the passwords that are there, and adds those of users who came later', async () => {
  await writeFile(file, 'NATS_GATEWAY_PASSWORD=chosen\n', { mode: 0o600 })
  const passwords = await ensureNatsPasswords(file)
  expect(passwords.gateway).toBe('chosen')
  expect(await ensureNatsPasswords(file)).toEqual(passwords)
})

it('knows exactly the users that the configuration has', async () => {
  const config = await readFile(natsConfigFile, 'utf8')
  expect([...config.matchAll(/user: (\w+)/g)].map(([, user]) => user).toSorted()).toEqual(NATS_USERS.toSorted())
})
