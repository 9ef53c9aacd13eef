import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { itWhere, natsServerPath, temporaryFolder } from '@sluice/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../src/free-port.ts'
import {
  effectiveSyncInterval,
  generateNatsPasswords,
  natsConfigFile,
  parseSyncInterval,
  passwordEnvironment,
  type SyncInterval,
  syncIntervalMs,
  writeNatsConfig,
} from '../src/nats/nats-config.ts'
import { startNatsServer } from '../src/nats/nats-server.ts'
import { isNewEnough, readNatsVersion, versionText } from '../src/nats/version.ts'

const version = await readNatsVersion(natsServerPath())
const OLD = { major: 2, minor: 9, patch: 10 }

it.each([
  ['always', 'always', 0],
  ['500ms', 500, 500],
  ['1s', 1_000, 1_000],
  ['2m', 120_000, 120_000],
] as const)('reads the interval %s', (text, interval, ms) => {
  expect(parseSyncInterval(text)).toBe(interval)
  expect(syncIntervalMs(parseSyncInterval(text))).toBe(ms)
})

it('has a server before 2.10 keep its two minutes, and says so', async () => {
  expect(effectiveSyncInterval('always', OLD)).toBe(120_000)
  const folder = await temporaryFolder()
  await writeNatsConfig({ folder, version: OLD, syncInterval: 'always' })
  expect(await readFile(`${folder}/jetstream.conf`, 'utf8')).toBe('jetstream {\n  max_file_store: 1TB\n}\n')
})

/** Returns the server's report about its JetStream when it was started with this configuration. */
async function jetstreamOf(configFile: string): Promise<Record<string, unknown>> {
  const monitoringPort = await freePort()
  await appendFile(configFile, `\nhttp: "127.0.0.1:${monitoringPort}"\n`)
  const server = await startNatsServer({
    serverPath: natsServerPath(),
    dataDir: await temporaryFolder(),
    port: 0,
    configFile,
    env: passwordEnvironment(generateNatsPasswords()),
    log: () => undefined,
  })
  onTestFinished(() => server.stop())
  const varz = (await (await fetch(`http://127.0.0.1:${monitoringPort}/varz`)).json()) as {
    jetstream: { config: Record<string, unknown> }
  }
  return varz.jetstream.config
}

async function written(syncInterval: SyncInterval): Promise<string> {
  return writeNatsConfig({ folder: await temporaryFolder(), version, syncInterval })
}

it('does not derive the size of the store from the free space at the start', async () => {
  expect(await jetstreamOf(await written(1_000))).toMatchObject({ max_storage: 1024 ** 4 })
})

const old = `nats-server ${versionText(version)} does not know sync_interval`

itWhere(isNewEnough(version), old, 'sets the interval at which the server writes to the disk', async () => {
  expect(await jetstreamOf(await written(2_500))).toMatchObject({ sync_interval: 2.5e9 })
  expect(await jetstreamOf(await written('always'))).toMatchObject({ sync_always: true })
})

itWhere(isNewEnough(version), old, 'is what deploy/nats says, unless it is set otherwise', async () => {
  const ours = await jetstreamOf(await written(1_000))
  const folder = await temporaryFolder()
  const configFile = await writeNatsConfig({ folder, version, syncInterval: 'always' })
  const shipped = await readFile(natsConfigFile.replace(/nats\.conf$/, 'jetstream.conf'), 'utf8')
  await writeFile(`${folder}/jetstream.conf`, shipped)
  const theirs = await jetstreamOf(configFile)
  expect({ ...theirs, store_dir: '' }).toEqual({ ...ours, store_dir: '' })
})
