import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONNECTION_DEFAULTS, connectionProjection, responses } from '@sluice/contracts'
import { forEachService, generatePassword, prepareDatabase, startPostgres } from '@sluice/local-servers'
import { type Bus, connectBus, ensureStream, openBucket } from '@sluice/messaging'
import pg from 'pg'
import { describeMachine, versionOf } from '../shared/machine.ts'
import { benchmarkNats, PROJECT_DIR } from '../shared/nats.ts'
import { createStarted } from '../shared/processes.ts'
import { type ConsumerName, startConsumer, unacknowledged, untilUnacknowledged } from './consumers.ts'
import { discoveryDifferences, usageDifferences } from './differences.ts'
import { BATCH_EVENTS, CONNECTIONS, EVENTS, publishTwice, SPAN_MS } from './traffic.ts'

/** The consumer to kill, and the share of its work at which it is killed. */
const KILLS: readonly { readonly name: ConsumerName; readonly done: number }[] = [
  { name: 'usage', done: 0.15 },
  { name: 'discovery', done: 0.3 },
  { name: 'usage', done: 0.45 },
  { name: 'discovery', done: 0.6 },
  { name: 'usage', done: 0.75 },
]
const MIN_PER_SECOND = 20_000

const started = createStarted()
try {
  process.exitCode = (await run()) ? 0 : 1
} finally {
  await started.stop()
}
process.exit()

async function run(): Promise<boolean> {
  const nats = await started.add(benchmarkNats())
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-benchmark-postgres-'))
  await started.add(Promise.resolve({ stop: () => rm(dataDir, { recursive: true, force: true }) }))
  const postgres = await started.add(startPostgres({ dataDir, port: 0, log: () => undefined }))
  const bus = await connectBus({ servers: nats.url, name: 'benchmark' })
  await started.add(Promise.resolve({ stop: () => bus.close() }))
  await ensureStream(bus, responses)
  await createConnections(bus)

  const fromMs = Date.now() - SPAN_MS
  const sent = await publishTwice(bus, fromMs)
  const messages = (await bus.jetstreamManager.streams.info(responses.name)).state.messages
  console.log(`${EVENTS.toLocaleString('en')} events are in the stream, twice: ${messages} messages`)

  const databaseUrls = await prepareDatabase(postgres.url, forEachService(generatePassword))
  const settings = (name: ConsumerName) => ({ NATS_URL: nats.url, DATABASE_URL: databaseUrls[name] })
  const startedAtMs = performance.now()
  const consumers = {
    usage: await started.add(startConsumer('usage', settings('usage'))),
    discovery: await started.add(startConsumer('discovery', settings('discovery'))),
  }
  const follow = async (name: ConsumerName): Promise<number> => {
    for (const { done } of KILLS.filter((kill) => kill.name === name)) {
      await untilUnacknowledged(bus, name, messages * (1 - done))
      const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1)
      console.log(
        `${seconds.padStart(6)} s  kill -9 ${name}, ${await unacknowledged(bus, name)} messages unacknowledged`,
      )
      await consumers[name].crash()
    }
    await untilUnacknowledged(bus, name, 0)
    return performance.now() - startedAtMs
  }
  const [usageMs, discoveryMs] = await Promise.all([follow('usage'), follow('discovery')])

  const differences = [
    ...(await usageDifferences(bus, sent, fromMs - SPAN_MS, fromMs + 2 * SPAN_MS)),
    ...(await discoveryDifferences(bus, sent)),
  ]
  for (const difference of differences) console.log(difference)
  const perSecond = EVENTS / (Math.max(usageMs, discoveryMs) / 1_000)
  const isReached = perSecond >= MIN_PER_SECOND
  const isExact = differences.length === 0
  const { rows, commits } = await writes(databaseUrls.usage)
  const lines = [
    '# Response events: `npm run bench:events`',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}, ${versionOf(nats.serverPath)}, JetStream in files, PostgreSQL with fsync.`,
    '',
    `${EVENTS.toLocaleString('en')} events of ${CONNECTIONS.length} connections in batches of ${BATCH_EVENTS}, stored in the stream before the clock starts, each batch twice under`,
    'different message ids, so that every event is delivered twice and must count once. One process of discovery and one of usage, both',
    `started with the clock and killed (\`kill -9\`) ${KILLS.length} times in total during the run. Rates are of counted events.`,
    '',
    '| | | |',
    '|---|---|---|',
    `| through usage | ${rate(usageMs)} events/s, ${perEvent(consumers.usage.cpuMs())} µs of CPU per event | |`,
    `| through discovery | ${rate(discoveryMs)} events/s, ${perEvent(consumers.discovery.cpuMs())} µs of CPU per event | |`,
    `| through both | ${Math.round(perSecond).toLocaleString('en')} events/s | ≥ ${MIN_PER_SECOND.toLocaleString('en')}/s: ${isReached ? 'reached' : 'MISSED'} |`,
    `| rows written in PostgreSQL | ${(rows / EVENTS).toFixed(4)} per event | |`,
    `| transactions in PostgreSQL | ${(commits / EVENTS).toFixed(5)} per event | |`,
    `| sums that differ from what was sent | ${differences.length} | exactly 0: ${isExact ? 'reached' : 'MISSED'} |`,
  ]
  console.log(`\n${lines.slice(8).join('\n')}`)
  await writeFile(join(PROJECT_DIR, 'benchmarks/results/events.md'), `${lines.join('\n')}\n`)
  return isReached && isExact
}

function rate(tookMs: number): string {
  return Math.round(EVENTS / (tookMs / 1_000)).toLocaleString('en')
}

function perEvent(cpuMs: number): string {
  return ((cpuMs * 1_000) / EVENTS).toFixed(1)
}

/** Creates the connections: discovery learns only about existing ones. */
async function createConnections(bus: Bus): Promise<void> {
  const bucket = await openBucket(bus, connectionProjection)
  for (const id of CONNECTIONS) {
    await bucket.put(id, {
      id,
      name: id,
      provider: 'openai',
      config: {},
      ...CONNECTION_DEFAULTS,
      version: 1,
    })
  }
}

/** Returns PostgreSQL's own count of writes since the database was created. */
async function writes(databaseUrl: string): Promise<{ rows: number; commits: number }> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query<{ rows: string; commits: string }>(
    `select tup_inserted + tup_updated + tup_deleted as rows, xact_commit as commits
     from pg_stat_database where datname = current_database()`,
  )
  await client.end()
  return { rows: Number(rows[0]?.rows), commits: Number(rows[0]?.commits) }
}
