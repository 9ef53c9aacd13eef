import { AckPolicy, connect, DeliverPolicy, type NatsConnection } from 'nats'
import { vi } from 'vitest'
import type { DeployedNats } from './nats.ts'

/** A way in which a service's user can have NATS itself write on a subject where that user may not publish. */
export interface ForeignWrite {
  readonly what: string
  readonly user: 'gateway' | 'usage'
  /** Sends what makes the server write on `subject`. */
  readonly send: (connection: NatsConnection, subject: string) => void
}

/**
 * The server's replies go to any subject that a request names, past all permissions. None of these chooses what is written: it is what
 * the server says. Messages that are taken from a stream this way keep their own subject, under which nobody looks for them.
 */
export const FOREIGN_WRITES: readonly ForeignWrite[] = [
  {
    what: 'the reply to a request for a stream’s settings',
    user: 'gateway',
    send: (connection, reply) => connection.publish('$JS.API.STREAM.INFO.KV_api-keys', '', { reply }),
  },
  {
    what: 'the confirmation of a message that was stored',
    user: 'gateway',
    send: (connection, reply) => connection.publish('gateway.v1.responses.c', '{}', { reply }),
  },
  {
    what: 'the reply that nothing is there to be taken',
    user: 'usage',
    send: (connection, reply) => connection.publish(NEXT, '{"batch":1,"no_wait":true}', { reply }),
  },
  {
    what: 'the refusal of a request that cannot be read',
    user: 'usage',
    send: (connection, reply) => connection.publish(NEXT, '{', { reply }),
  },
]

/** What reaches a subject only while somebody who may listens there: a push consumer's heartbeats. Its messages keep their own subjects. */
export const HEARTBEATS: ForeignWrite = {
  what: 'a consumer’s heartbeats',
  user: 'gateway',
  send: (connection, deliverSubject) => {
    const flow = { idle_heartbeat: 100_000_000, flow_control: true }
    const filter = '$KV.api-keys.*'
    const config = { name: 'h', filter_subject: filter, deliver_subject: deliverSubject, ack_policy: 'none', ...flow }
    const request = JSON.stringify({ stream_name: 'KV_api-keys', config })
    connection.publish(`$JS.API.CONSUMER.CREATE.KV_api-keys.h.${filter}`, request)
  },
}

const NEXT = '$JS.API.CONSUMER.MSG.NEXT.RESPONSES.usage'

/** Makes the streams and the consumer that {@link FOREIGN_WRITES} ask about. */
export async function prepareForeignWrites(nats: DeployedNats): Promise<void> {
  const operator = await connect({ servers: nats.url, user: 'operator', pass: nats.passwords.operator })
  const { streams, consumers } = await operator.jetstreamManager()
  await streams.add({ name: 'RESPONSES', subjects: ['gateway.v1.responses.*'] })
  const nothingYet = { ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.New }
  await consumers.add('RESPONSES', {
    durable_name: 'usage',
    ...nothingYet,
    filter_subject: 'gateway.v1.responses.none',
  })
  await operator.jetstream().views.kv('api-keys', { allow_direct: false })
  await operator.close()
}

/**
 * Has the server write on `subject`, before that on `others`, and resolves when it is stored in the stream.
 * @throws Error when the server does not do so within 5 s
 */
export async function writeForeign(
  nats: DeployedNats,
  { user, send }: ForeignWrite,
  stream: string,
  subject: string,
  others: readonly string[] = [],
): Promise<void> {
  const operator = await connect({ servers: nats.url, user: 'operator', pass: nats.passwords.operator })
  const attacker = await connect({ servers: nats.url, user, pass: nats.passwords[user] })
  const { streams } = await operator.jetstreamManager()
  const { state } = await streams.info(stream)
  for (const other of others) send(attacker, other)
  send(attacker, subject)
  const isStored = async () => {
    const { seq } = await streams.getMessage(stream, { last_by_subj: subject })
    if (seq <= state.last_seq) throw new Error(`nothing new is stored on ${subject}`)
  }
  await vi.waitFor(isStored, { timeout: 5_000 })
  await attacker.close()
  await operator.close()
}
