import type { Msg, NatsConnection } from 'nats'

/** Everything that passes over NATS from now on, replies too; `connection` is one that may listen to it all. */
export class NatsRecord {
  readonly #messages: string[] = []
  readonly #ignored = new Set<string>()

  constructor(connection: NatsConnection) {
    connection.subscribe('>', { callback: (_error, message) => this.#add(message) })
  }

  /** What was said in clear on purpose is no finding: what came of it is. */
  ignore(payload: string): void {
    this.#ignored.add(payload)
  }

  get text(): string {
    return this.#messages.join('\n')
  }

  #add(message: Msg): void {
    const payload = Buffer.from(message.data).toString('latin1')
    if (this.#ignored.has(payload)) return
    const headers = [...(message.headers ?? [])].map(([name, values]) => `${name}: ${values.join(', ')}`)
    this.#messages.push([message.subject, message.reply ?? '', ...headers, payload].join('\n'))
  }
}

/** Every message of every stream, buckets too. */
export async function storedMessages(connection: NatsConnection): Promise<string> {
  const manager = await connection.jetstreamManager()
  const stored: string[] = []
  for await (const { config, state } of manager.streams.list()) {
    for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq++) {
      try {
        const { subject, data } = await manager.streams.getMessage(config.name, { seq })
        stored.push(`${subject}\n${Buffer.from(data).toString('latin1')}`)
      } catch (error) {
        // Overwritten, as a bucket's older values are.
        if (!String(error).includes('no message found')) throw error
      }
    }
  }
  return stored.join('\n')
}
