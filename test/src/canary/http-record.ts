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
