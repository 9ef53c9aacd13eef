import { SluiceError } from '@sluice/contracts'

/** What went wrong with the command, for whoever typed it: each wrong argument on a line of its own. */
export function commandFault(error: unknown): string {
  if (error instanceof SluiceError && error.fields.length > 0) {
    return error.fields.map(({ field, message }) => `${field} ${message}`).join('\n')
  }
  return error instanceof Error ? error.message : String(error)
}
