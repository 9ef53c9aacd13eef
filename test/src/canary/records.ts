import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseUrls } from '@sluice/local-servers'
import type { Msg, NatsConnection } from 'nats'
import pg from 'pg'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is; anything but text as JSON. */
  readonly body?: unknown
  /** Where the answer shows a secret that was just made: the one place where it may. */
  readonly shown?: (answer: Answer) => string
  /** Gives up when it is aborted; there is no answer then. */
  readonly signal?: AbortSignal
}

/** Asks over HTTP and keeps every answer, headers and all. */
export class HttpRecord {
  readonly #answers: string[] = []

  get text(): string {
    return this.#answers.join('\n')
  }

  async ask(url: string, { method, headers = {}, body, shown, signal }: Question = {}): Promise<Answer> {
    const response = await fetch(url, {
      // What a redirection says is an answer like others.
      redirect: 'manual',
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    const answer = { status: response.status, headers: response.headers, text: await textOf(response) }
    const fields = [...response.headers].map(([name, value]) => `${name}: ${value}`)
    const whole = [`${answer.status} ${response.statusText}`, ...fields, '', answer.text].join('\n')
    // Once, so that a second time would be found.
    this.#answers.push(shown === undefined ? whole : whole.replace(shown(answer), ''))
    return answer
  }
}

/** As much of the body as came. */
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

/** Every row of every table of Sluice, as text; binary columns as what they are. */
export async function databaseText(urls: DatabaseUrls): Promise<string> {
  const texts = await Promise.all(Object.values(urls).map(ownedText))
  return texts.join('\n')
}

/** What the tables of the URL's user hold. */
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

/** What all files below `folder` hold, but for `except`: files and folders by their paths. */
export async function writtenFiles(folder: string, except: readonly string[]): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const searched = paths.filter((path) => !except.some((one) => path === one || path.startsWith(`${one}/`)))
  return Buffer.concat(await Promise.all(searched.map(contentOf)))
}

/** Nothing of a file that its server has removed meanwhile. */
async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
