import {
  apiKeyProjection,
  backgroundResponses,
  capacityHealth,
  capacityMembers,
  capacityRecords,
  capacityStatus,
  clockMarks,
  connectionChanged,
  connectionProjection,
  createConnection,
  credential,
  credentialFaultChanged,
  credentialStatus,
  deleteConnection,
  discovered,
  discoveredChanged,
  discoveryStatus,
  getConnection,
  instancePermitBatch,
  learnedModels,
  listConnections,
  listDiscovered,
  permitBatch,
  refreshDiscovered,
  responses,
  sealingKey,
  subjectOfAll,
  updateConnection,
  usageQuery,
} from '@sluice/contracts'
import { type DeployedNats, deployedNats } from '@sluice/testkit'
import { connect, type NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { NATS_USERS, type NatsUser } from '../src/nats/nats-config.ts'

type Act = readonly [what: string, operation: 'publish' | 'subscription', subject: string, who: readonly NatsUser[]]

/** Everything that some user may do, and much that no user may. The operator may do everything. */
const ACTS: readonly Act[] = [
  ...[listConnections, getConnection, createConnection, updateConnection, deleteConnection, sealingKey].flatMap(
    ({ subject }): Act[] => [
      ['asks for this', 'publish', subject(), ['integration']],
      ['replies to this', 'subscription', subject(), ['connections']],
    ],
  ),
  ['asks to test a connection', 'publish', 'connections.v1.test', ['integration']],
  ['asks for a credential', 'publish', credential.subject(), ['gateway']],
  ['sees requests for credentials', 'subscription', credential.subject(), ['connections']],
  ['reports a changed connection', 'publish', connectionChanged.subject('c'), ['connections']],
  ['hears of changed connections', 'subscription', connectionChanged.subject('c'), ['integration']],
  ['reports a rejected credential', 'publish', credentialFaultChanged.subject('c'), ['connections']],
  ['hears of rejected credentials', 'subscription', credentialFaultChanged.subject('c'), ['integration']],
  ['reports whether a credential is taken', 'publish', credentialStatus.subject('c'), ['gateway']],
  ['hears whether credentials are taken', 'subscription', credentialStatus.subject('c'), ['connections']],
  ['asks for permits', 'publish', permitBatch.subject('c'), ['gateway']],
  ['gives permits', 'subscription', permitBatch.subject('c'), ['capacity']],
  ['asks one instance for permits', 'publish', instancePermitBatch.subject('i', 'c'), ['gateway']],
  ['gives permits as one instance', 'subscription', instancePermitBatch.subject('i', 'c'), ['capacity']],
  ['asks for the capacity status', 'publish', capacityStatus.subject('c'), ['connections', 'integration']],
  ['replies with the capacity status', 'subscription', capacityStatus.subject('c'), ['capacity']],
  ['asks whether permits are given', 'publish', capacityHealth.subject(), ['gateway']],
  ['says whether permits are given', 'subscription', capacityHealth.subject(), ['capacity']],
  ...ofAll(listConnections.subject(), ['integration'], 'connections'),
  ...ofAll(getConnection.subject(), ['integration'], 'connections'),
  ...ofAll(sealingKey.subject(), ['integration'], 'connections'),
  ...ofAll(credential.subject(), ['gateway'], 'connections'),
  ...ofAll(capacityStatus.subject('c'), ['connections', 'integration'], 'capacity'),
  ...ofAll(capacityHealth.subject(), ['gateway'], 'capacity'),
  ...ofAll(listDiscovered.subject(), ['connections', 'integration'], 'discovery'),
  ...ofAll(discoveryStatus.subject(), ['connections', 'integration'], 'discovery'),
  ...ofAll(usageQuery.subject(), ['connections', 'integration'], 'usage'),
  ...[createConnection, updateConnection, deleteConnection, refreshDiscovered].map(
    ({ subject }): Act => ['has all do what is done once', 'publish', subjectOfAll(subject()), []],
  ),
  ['asks for discovered limits', 'publish', listDiscovered.subject(), ['connections', 'integration']],
  ['replies with discovered limits', 'subscription', listDiscovered.subject(), ['discovery']],
  ['has limits read', 'publish', refreshDiscovered.subject(), ['connections', 'integration']],
  ['refreshes limits on request', 'subscription', refreshDiscovered.subject(), ['discovery']],
  ['asks what discovery cannot read', 'publish', discoveryStatus.subject(), ['connections', 'integration']],
  ['replies with what discovery cannot read', 'subscription', discoveryStatus.subject(), ['discovery']],
  ['reports a changed limit', 'publish', discoveredChanged.subject('c'), ['discovery']],
  ['hears of changed limits', 'subscription', discoveredChanged.subject('c'), ['integration']],
  ['asks for usage', 'publish', usageQuery.subject(), ['connections', 'integration']],
  ['replies with the usage', 'subscription', usageQuery.subject(), ['usage']],
  ['reports responses', 'publish', responses.subject('c'), ['gateway']],
  ['hears of responses past the stream', 'subscription', responses.subject('c'), ['connections']],
  ...ofStream(responses.name, { looks: ['gateway', 'discovery', 'usage'], defines: ['discovery'] }),
  ...(['discovery', 'usage'] as const).flatMap((user): Act[] => [
    ['opens its consumer', 'publish', `$JS.API.CONSUMER.CREATE.${responses.name}.${user}`, [user]],
    ['takes from its consumer', 'publish', `$JS.API.CONSUMER.MSG.NEXT.${responses.name}.${user}`, [user]],
    ['creates its consumer again', 'publish', `$JS.API.CONSUMER.DELETE.${responses.name}.${user}`, [user]],
    ['acknowledges what it took', 'publish', `$JS.ACK.${responses.name}.${user}.1.1.1.1.0`, [user]],
  ]),
  ['reads one report', 'publish', `$JS.API.STREAM.MSG.GET.${responses.name}`, ['discovery', 'usage']],
  ['opens a consumer of another name', 'publish', `$JS.API.CONSUMER.CREATE.${responses.name}.more`, []],
  ...ofBucket(connectionProjection.name, {
    owner: 'connections',
    watches: ['connections', 'capacity', 'gateway', 'discovery'],
    gets: ['connections', 'capacity', 'discovery'],
  }),
  ...ofBucket(apiKeyProjection.name, {
    owner: 'connections',
    watches: ['connections', 'gateway'],
    gets: ['connections'],
  }),
  ...[capacityRecords, clockMarks].flatMap((bucket) =>
    ofBucket(bucket.name, {
      owner: 'capacity',
      looks: ['capacity'],
      watches: [],
      gets: ['capacity'],
      purges: ['capacity'],
      isPrivate: bucket.isPrivate,
    }),
  ),
  ...ofBucket(capacityMembers.name, {
    owner: 'capacity',
    looks: ['capacity', 'gateway'],
    watches: ['gateway'],
    gets: ['capacity'],
    listens: ['capacity'],
    purges: ['capacity'],
  }),
  ...ofBucket(discovered.name, {
    owner: 'discovery',
    looks: ['discovery', 'capacity'],
    watches: ['capacity'],
    gets: ['discovery'],
    purges: ['discovery'],
  }),
  ...ofBucket(backgroundResponses.name, {
    owner: 'discovery',
    looks: ['discovery', 'gateway'],
    watches: [],
    gets: ['gateway'],
    writes: ['gateway'],
  }),
  ...ofBucket(learnedModels.name, {
    owner: 'discovery',
    looks: ['discovery', 'gateway'],
    watches: [],
    gets: ['gateway'],
    writes: ['gateway'],
  }),
  ...NATS_USERS.filter((user) => user !== 'operator').flatMap((user): Act[] => [
    ['reads its replies', 'subscription', `_INBOX.${user}.x.*`, [user]],
    ['replies without a request', 'publish', `_INBOX.${user}.x.1`, []],
  ]),
  ...['>', '*.>', '$KV.>', '$JS.>', '_INBOX.>', '_INBOX.*.>', '$SYS.>'].map(
    (subject): Act => ['listens in', 'subscription', subject, []],
  ),
  ...['$JS.API.INFO', '$JS.API.STREAM.NAMES', '$JS.API.STREAM.LIST', '$JS.API.STREAM.CREATE.OTHER'].map(
    (subject): Act => ['uses JetStream besides', 'publish', subject, []],
  ),
]

interface Watchable {
  readonly looks?: readonly NatsUser[]
  readonly watches: readonly NatsUser[]
  readonly gets: readonly NatsUser[]
  readonly purges?: readonly NatsUser[]
  readonly listens?: readonly NatsUser[]
  /** Its keys stand below a token. */
  readonly isPrivate?: true | undefined
  readonly owner: NatsUser
  /** The owner alone, if absent. */
  readonly writes?: readonly NatsUser[]
}

function ofBucket(
  bucket: string,
  { owner, looks, watches, gets, purges, listens, isPrivate, writes }: Watchable,
): Act[] {
  const stream = `KV_${bucket}`
  const key = `$KV.${bucket}.${isPrivate === undefined ? '' : 'token.'}k`
  return [
    ...ofStream(stream, { looks: looks ?? watches, defines: [owner] }),
    ['writes a key', 'publish', key, writes ?? [owner]],
    ['writes elsewhere in it', 'publish', isPrivate === undefined ? `${key}.k` : `$KV.${bucket}.k`, []],
    ['reads a key past the stream', 'subscription', key, listens ?? []],
    ['reads a key', 'publish', `$JS.API.STREAM.MSG.GET.${stream}`, gets],
    ['reads a key from any copy', 'publish', `$JS.API.DIRECT.GET.${stream}.$KV.${bucket}.k`, []],
    // Who may have what stands in a stream delivered anywhere is not who decides what stands there, but for the owner
    // of connections.
    ['watches', 'publish', `$JS.API.CONSUMER.CREATE.${stream}.w.$KV.${bucket}.*`, watches],
    ['creates a consumer of whatever it says', 'publish', `$JS.API.CONSUMER.CREATE.${stream}`, []],
    ['removes entries', 'publish', `$JS.API.STREAM.PURGE.${stream}`, purges ?? []],
    ['controls the flow of its watch', 'publish', `$JS.FC.${stream}.w.x`, watches],
    ['keeps a durable consumer', 'publish', `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.d`, []],
  ]
}

function ofAll(subject: string, requesters: readonly NatsUser[], responder: NatsUser): Act[] {
  return [
    ['requests this from every instance', 'publish', subjectOfAll(subject), requesters],
    ['replies with every instance', 'subscription', subjectOfAll(subject), [responder]],
  ]
}

function ofStream(stream: string, { looks, defines }: Record<'looks' | 'defines', readonly NatsUser[]>): Act[] {
  return [
    ['sees the settings', 'publish', `$JS.API.STREAM.INFO.${stream}`, looks],
    ['creates it', 'publish', `$JS.API.STREAM.CREATE.${stream}`, defines],
    ['changes what it captures and where that is copied to', 'publish', `$JS.API.STREAM.UPDATE.${stream}`, []],
    ['deletes it', 'publish', `$JS.API.STREAM.DELETE.${stream}`, []],
    ['deletes a message', 'publish', `$JS.API.STREAM.MSG.DELETE.${stream}`, []],
    ['restores it from elsewhere', 'publish', `$JS.API.STREAM.RESTORE.${stream}`, []],
    ['takes it away whole', 'publish', `$JS.API.STREAM.SNAPSHOT.${stream}`, []],
  ]
}

let nats: DeployedNats
const clients = new Map<NatsUser, Client>()

interface Client {
  readonly connection: NatsConnection
  /** `publish subject` of everything that the server has refused it. */
  readonly refused: Set<string>
}

beforeAll(async () => {
  nats = await deployedNats()
  for (const user of NATS_USERS) clients.set(user, await connectAs(user))
})
afterAll(async () => {
  for (const { connection } of clients.values()) await connection.close()
  await nats.stop()
})

async function connectAs(user: NatsUser): Promise<Client> {
  const connection = await connect({ servers: nats.url, user, pass: nats.passwords[user] })
  const refused = new Set<string>()
  const follow = async () => {
    for await (const { permissionContext: context } of connection.status()) {
      if (context !== undefined) refused.add(`${context.operation} ${context.subject}`)
    }
  }
  void follow()
  return { connection, refused }
}

/** Does it as each user, and gives those whom the server let. */
async function allowed(operation: Act[1], subject: string): Promise<NatsUser[]> {
  const services = [...clients].filter(([user]) => user !== 'operator')
  const may = await Promise.all(
    services.map(async ([user, client]) => ((await isAllowed(client, operation, subject)) ? [user] : [])),
  )
  return may.flat()
}

async function isAllowed({ connection, refused }: Client, operation: Act[1], subject: string): Promise<boolean> {
  if (operation === 'publish') connection.publish(subject)
  else connection.subscribe(subject, { callback: () => undefined }).unsubscribe()
  // The server judges in the order of what it is sent: with this one refused, the one before was judged.
  const last = `last-of.${refused.size}`
  connection.publish(last)
  await vi.waitFor(() => expect(refused).toContain(`publish ${last}`), { timeout: 5_000 })
  return !refused.has(`${operation} ${subject}`)
}

describe('as each service’s user, the subjects that are not its own are refused', () => {
  it.each(ACTS)('%s: %s %s', async (_, operation, subject, who) => {
    expect((await allowed(operation, subject)).toSorted()).toEqual(who.toSorted())
  })
})

it('accepts no client without a user, with a wrong password, or with another’s', async () => {
  const servers = nats.url
  for (const login of [
    {},
    { user: 'gateway' },
    { user: 'gateway', pass: nats.passwords.usage },
    { user: 'stranger', pass: nats.passwords.gateway },
  ]) {
    await expect(connect({ servers, ...login })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' })
  }
})

it('lets the operator do everything', async () => {
  const operator = clients.get('operator')
  if (operator === undefined) return expect.unreachable()
  operator.connection.subscribe('>', { callback: () => undefined }).unsubscribe()
  const manager = await operator.connection.jetstreamManager()
  await manager.streams.add({ name: 'OTHER', subjects: ['other'] })
  await manager.streams.delete('OTHER')
  expect(operator.refused).toEqual(new Set())
})
