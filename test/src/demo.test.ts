import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { natsServerPath } from '@sluice/testkit'
import { expect, it } from 'vitest'

it('the demo admits five of its eight requests and shows what is stored', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-demo-test-'))
  const demo = resolve(import.meta.dirname, '../../deploy/local/src/demo/main.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [demo, '--once'], {
    env: {
      PATH: process.env.PATH,
      SLUICE_NATS_SERVER: natsServerPath(),
      SLUICE_DATA_DIR: dataDir,
      GATEWAY_PORT: '0',
      ADMIN_PORT: '0',
    },
  })
  await rm(dataDir, { recursive: true, force: true })
  expect(stdout.match(/ admitted /g)).toHaveLength(5)
  expect(stdout.match(/at its capacity of 5 requests per minute/g)).toHaveLength(3)
  expect(stdout).toMatch(/5 requests a minute +5 +0 /)
  expect(stdout).toMatch(/gpt-4o-mini +500 requests/)
  expect(stdout).toMatch(/8 +\d+ +\d+ +(5 success, 3 denied|3 denied, 5 success)/)
})
