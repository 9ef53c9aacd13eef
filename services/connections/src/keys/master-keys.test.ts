import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadMasterKeys, MasterKeyError, parseMasterKeys } from './master-keys.ts'

const ONE = Buffer.alloc(32, 1).toString('base64')
const TWO = Buffer.alloc(32, 2).toString('base64')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-master-keys-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('reads one key per line, with ids that do not change', () => {
  const keys = parseMasterKeys(`${ONE}\n\n  ${TWO}\r\n`)
  expect(keys.map(({ key }) => Buffer.from(key).toString('base64'))).toEqual([ONE, TWO])
  expect(keys.map(({ keyId }) => keyId)).toEqual(['mk-1d9ce853745bcf82', 'mk-0a767c4e98b92384'])
})

it.each([
  ['nothing', '\n \n', 'there is no master key'],
  ['too short a key', Buffer.alloc(31, 3).toString('base64'), 'line 1'],
  ['too long a key', `${ONE}\n${Buffer.alloc(33, 3).toString('base64')}`, 'line 2'],
  ['hex', Buffer.alloc(32, 3).toString('hex'), 'line 1'],
  ['base64url', Buffer.alloc(32, 255).toString('base64url'), 'line 1'],
])('refuses %s, and does not show it', (_, text, reason) => {
  const parse = () => parseMasterKeys(text)
  expect(parse).toThrow(MasterKeyError)
  expect(parse).toThrow(reason)
  for (const line of text.split('\n').filter((line) => line.trim() !== '')) expect(parse).not.toThrow(line)
})

it('reads only a file that is private to its owner', async () => {
  const path = join(folder, 'private')
  await writeFile(path, `${ONE}\n`, { mode: 0o600 })
  expect(await loadMasterKeys({ MASTER_KEY_FILE: path })).toHaveLength(1)
})

it.each([0o640, 0o604, 0o644, 0o660])('refuses a file of mode %o, and says what to do', async (mode) => {
  const path = join(folder, `open-${mode}`)
  await writeFile(path, ONE)
  await chmod(path, mode)
  await expect(loadMasterKeys({ MASTER_KEY_FILE: path })).rejects.toThrow(`chmod 600 ${path}`)
})

it('reports a missing file, and that no key is set', async () => {
  await expect(loadMasterKeys({ MASTER_KEY_FILE: join(folder, 'absent') })).rejects.toThrow('ENOENT')
  await expect(loadMasterKeys({})).rejects.toThrow('neither MASTER_KEY_FILE nor MASTER_KEY is set')
})

it('reads the setting if there is no file', async () => {
  expect(await loadMasterKeys({ MASTER_KEY: `${ONE}\n${TWO}` })).toHaveLength(2)
})
