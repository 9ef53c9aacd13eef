/** Why a program cannot be started on this machine, for callers that act on it. */
export type StartErrorCode =
  | 'already_running'
  | 'disk_full'
  | 'folder_unusable'
  | 'master_key_missing'
  | 'port_taken'
  | 'process_failed'
  | 'server_unreachable'
  | 'setting_invalid'
  | 'tool_missing'

/** A start that cannot go on. The message is for the person who typed the command: what is wrong, and what to do. */
export class StartError extends Error {
  override readonly name: string = 'StartError'
  readonly code: StartErrorCode

  constructor(code: StartErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}

/** A server did not become ready. `output` is the last of what it wrote, newest last. */
export class ServerStartError extends StartError {
  override readonly name = 'ServerStartError'
  readonly output: readonly string[]

  constructor(message: string, output: readonly string[]) {
    super('process_failed', message)
    this.output = output
  }
}

/** Returns whether a start failed because another process took a port that was free a moment before. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof ServerStartError && /address already in use/i.test(error.output.join('\n'))
}

/** Returns the error's message on one line, for another message that explains it. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error)
}
