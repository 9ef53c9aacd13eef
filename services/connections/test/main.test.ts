import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAccessToken } from '@sluice/service-kit'
import { eventually, freePort, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testPrograms } from './support/test-programs.ts'

let nats: TestNats
let database: TestDatabase
let folder: string
let keyFile: string
const programs = testPrograms()

beforeAll(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  folder = await mkdtemp(join(tmpdir(), 'sluice-connections-main-'))
  keyFile = join(folder, 'master-key')
  await writeFile(keyFile, randomBytes(32).toString('base64'), { mode: 0o600 })
})
afterAll(async () => {
  programs.kill()
  await Promise.all([nats.stop(), database.drop(), rm(folder, { recursive: true })])
})

const run = (program: string, env: Record<string, string> = {}, args: string[] = []) =>
  programs.run(program, { NATS_URL: nats.url, DATABASE_URL: database.url, MASTER_KEY_FILE: keyFile, ...env }, args)

it('runs as a process: makes the operator token, serves, takes a further token, stops on SIGTERM', async () => {
  const port = String(await freePort())
  const tokenFile = join(folder, 'operator-token')
  const service = run('main.ts', { ADMIN_PORT: port, OPERATOR_TOKEN_FILE: tokenFile })
  await eventually(() => expect(service.output.text).toContain('"ready"'), { timeoutMs: 45_000 })
  const request = (token: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${port}/api/v1/connections`, { method, headers: { authorization: `Bearer ${token}` } })
  const first = (await readFile(tokenFile, 'utf8')).trim()
  expect((await request(first)).status).toBe(200)

  const command = run('commands/operator-token.ts', {}, ['alice'])
  expect(await command.exited).toBe(0)
  const further = command.output.text.trim()
  expect(isAccessToken(further, 'slo')).toBe(true)
  expect((await request(further)).status).toBe(200)
  expect((await request(further, 'POST')).status).toBe(403)
  const nameless = run('commands/operator-token.ts')
  expect(await nameless.exited).toBe(1)
  expect(nameless.output.text).toContain('The name is missing')
  const wrong = run('commands/operator-token.ts', {}, ['bob', '--role', 'owner', '--expires-at', 'soon'])
  expect(await wrong.exited).toBe(1)
  expect(wrong.output.text).toContain('role must be one of "admin", "viewer"\nexpiresAt ')

  service.child.kill('SIGTERM')
  expect(await service.exited).toBe(0)
  expect(service.output.text).not.toContain(first)
})

it('does not start with a master key that others may read, and says what to do', async () => {
  const open = join(folder, 'open-key')
  await writeFile(open, randomBytes(32).toString('base64'))
  await chmod(open, 0o644)
  const service = run('main.ts', { MASTER_KEY_FILE: open })
  expect(await service.exited).toBe(1)
  expect(service.output.text).toContain(`chmod 600 ${open}`)
})
