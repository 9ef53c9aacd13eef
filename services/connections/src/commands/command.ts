import { SluiceError } from '@sluice/contracts'

/**
 * Runs a command-line program: prints its failure to stderr, each invalid argument on a line of its own, and exits
 * with 1 then.
 */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    process.stderr.write(`${failureText(error)}\n`)
    process.exitCode = 1
  }
}

function failureText(error: unknown): string {
  if (error instanceof SluiceError && error.fields.length > 0) {
    return error.fields.map(({ field, message }) => `${field} ${message}`).join('\n')
  }
  return error instanceof Error ? error.message : String(error)
}
