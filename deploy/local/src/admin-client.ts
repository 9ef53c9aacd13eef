/** The admin API answered with an error. */
export class AdminApiError extends Error {
  override readonly name = 'AdminApiError'
  readonly status: number

  constructor(status: number, path: string, detail: string) {
    super(`${path}: ${status} ${detail}`)
    this.status = status
  }
}

/** Calls Sluice's admin API, as an operator's script would. */
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
