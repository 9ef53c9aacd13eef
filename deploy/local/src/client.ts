import { setTimeout as sleep } from 'node:timers/promises'

/** Drives a running Sluice, as an operator's script would: the demo, the system tests and the benchmarks use it. */

/** The admin API responded with an error. */
export class AdminApiError extends Error {
  override readonly name = 'AdminApiError'
  readonly status: number

  constructor(status: number, path: string, detail: string) {
    super(`${path}: ${status} ${detail}`)
    this.status = status
  }
}

/** Calls the admin API; paths are below `/api/v1`. Every call throws AdminApiError when the response is an error. */
export interface AdminClient {
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
  delete(path: string): Promise<void>
}

export function adminClient(adminUrl: string, operatorToken: string): AdminClient {
  const call = async (method: string, path: string, body?: unknown): Promise<string> => {
    const response = await fetch(`${adminUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${operatorToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new AdminApiError(response.status, `${method} ${path}`, text)
    return text
  }
  return {
    get: async (path) => JSON.parse(await call('GET', path)),
    post: async (path, body) => JSON.parse(await call('POST', path, body)),
    delete: async (path) => {
      await call('DELETE', path)
    },
  }
}

/**
 * Returns whether a gateway knows a connection and an API key for it, without using its capacity: it sends a request
 * to a path that no provider has.
 */
export async function gatewayKnows(gatewayUrl: string, connectionName: string, apiKey: string): Promise<boolean> {
  const response = await fetch(`${gatewayUrl}/connections/${connectionName}/no-such-path`, {
    headers: { authorization: `Bearer ${apiKey}` },
  })
  return (await response.text()).includes('unsupported_operation')
}

/**
 * Calls `read` every 50 ms until `isWanted` accepts the result, and returns it.
 * @throws Error naming `what` after `timeoutMs`
 */
export async function until<T>(
  what: string,
  read: () => Promise<T>,
  isWanted: (result: T) => boolean,
  timeoutMs = 15_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const result = await read()
    if (isWanted(result)) return result
    if (performance.now() > deadlineMs) throw new Error(`${what} took longer than ${timeoutMs / 1_000} s`)
    await sleep(50)
  }
}
