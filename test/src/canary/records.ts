import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseUrls } from '@sluice/local-servers'
import type { Msg, NatsConnection } from 'nats'
import pg from 'pg'

export interface RecordedResponse {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface RecordedRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown
  /** Returns a secret that the response shows because it was just created: the only allowed occurrence. */
  readonly shown?: (response: RecordedResponse) => string
  /** Aborts the request. */
  readonly signal?: AbortSignal
}

/** Sends HTTP requests and records every response, with its headers. */
export class HttpRecord {
  readonly #responses: string[] = []

  get text(): string {
    return this.#responses.join('\n')
  }

  async send(
    url: string,
    { method, headers = {}, body, shown, signal }: RecordedRequest = {},
  ): Promise<RecordedResponse> {
    const response = await fetch(url, {
      // Record redirects like other responses.
      redirect: 'manual',
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    const recorded = { status: response.status, headers: response.headers, text: await textOf(response) }
    const fields = [...response.headers].map(([name, value]) => `${name}: ${value}`)
    const whole = [`${recorded.status} ${response.statusText}`, ...fields, '', recorded.text].join('\n')
    // Remove it once, so that a second occurrence would be found.
    this.#responses.push(shown === undefined ? whole : whole.replace(shown(recorded), ''))
    return recorded
  }
}

/** Returns as much of the body as arrived. */
async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  } catch (error) {
    text += `\n[broken off: ${error instanceof Error ? error.message : error}]`
  }
  return text
}

/**
 * Records all NATS messages from now on, including replies; the user of `connection` must be allowed to subscribe to
 * `>`.
 */
export class NatsRecord {
  readonly #messages: string[] = []
  readonly #ignored = new Set<string>()

  constructor(connection: NatsConnection) {
    connection.subscribe('>', { callback: (_error, message) => this.#add(message) })
  }

  /** Excludes a payload that was deliberately sent in clear text. Its consequences still count. */
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

/** Returns every message of every stream, including buckets. */
export async function storedMessages(connection: NatsConnection): Promise<string> {
  const manager = await connection.jetstreamManager()
  const stored: string[] = []
  for await (const { config, state } of manager.streams.list()) {
    for (let seq = state.first_seq; state.messages > 0 && seq <= state.last_seq; seq++) {
      try {
        const { subject, data } = await manager.streams.getMessage(config.name, { seq })
        stored.push(`${subject}\n${Buffer.from(data).toString('latin1')}`)
      } catch (error) {
        // Older values of a bucket are overwritten.
        if (!String(error).includes('no message found')) throw error
      }
    }
  }
  return stored.join('\n')
}

/** Returns every row of every table of Sluice as text, and binary columns decoded. */
export async function databaseText(urls: DatabaseUrls): Promise<string> {
  const texts = await Promise.all(Object.values(urls).map(ownedText))
  return texts.join('\n')
}

/** Returns the contents of the tables owned by the URL's user. */
async function ownedText(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where tableowner = current_user`,
    )
    const written: string[] = []
    for (const { name } of tables.rows) {
      const { rows } = await client.query<Record<string, unknown>>(`select t::text as row, t.* from ${name} t`)
      const values = rows.flatMap((row) => Object.values(row))
      written.push(name, ...values.map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : asText(value))))
    }
    return written.join('\n')
  } finally {
    await client.end()
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Returns the contents of all files below `folder`, without the files and folders in `except`. */
export async function writtenFiles(folder: string, except: readonly string[]): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const searched = paths.filter(
    (path) => !except.some((excluded) => path === excluded || path.startsWith(`${excluded}/`)),
  )
  return Buffer.concat(await Promise.all(searched.map(contentOf)))
}

/** Returns the contents of a file; empty if its server has removed it meanwhile. */
async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
