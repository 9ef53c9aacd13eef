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

/** Why the embedded start cannot go on. Its message is one line for whoever typed the command: what is wrong and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly code: StartErrorCode

  constructor(code: StartErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}
