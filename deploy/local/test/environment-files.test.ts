import { execFile } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '@sluice/testkit'
import { expect, it } from 'vitest'
import { writeEnvironmentFiles } from '../src/service-environment.ts'

const run = promisify(execFile)

it('Node reads the values back unchanged, and nothing from outside is written', async () => {
  const folder = join(await temporaryFolder(), 'env')
  const kept = {
    PLAIN: 'postgres://sluice:pa$$word@127.0.0.1:5432/sluice?a=b#c',
    QUOTED: `it's`,
    BOTH: `it's "so"`,
    SPACES: '  a b\\n ',
    EMPTY: '',
  }
  const env = { ...kept, AWS_SECRET_ACCESS_KEY: 'from outside' }
  await writeEnvironmentFiles(folder, [{ name: 'connections', env }], new Set(['AWS_SECRET_ACCESS_KEY']))
  const file = join(folder, 'connections.env')
  const shown = await run(process.execPath, [`--env-file=${file}`, '-p', 'JSON.stringify(process.env)'], { env: {} })
  expect(JSON.parse(shown.stdout)).toMatchObject(kept)
  expect(await readFile(file, 'utf8')).not.toContain('AWS_')
  expect(await readdir(folder)).toEqual(['connections.env'])
})

it('only the owner can read the files, even those that others could read before', async () => {
  const folder = join(await temporaryFolder(), 'env')
  await writeEnvironmentFiles(folder, [], new Set())
  const file = join(folder, 'usage.env')
  await writeFile(file, 'A=1', { mode: 0o644 })
  await writeEnvironmentFiles(folder, [{ name: 'usage', env: { A: '2' } }], new Set())
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})
