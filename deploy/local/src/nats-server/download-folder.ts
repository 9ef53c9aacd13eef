import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { StartError } from '../start-error.ts'

/**
 * Calls `produce` with a temporary folder inside `binDir`, moves the program whose path it returns to `binDir/nats-server`, and
 * returns that path. Several processes may do it at once: each moves its own copy into place. The temporary folder is removed, also
 * when `produce` fails.
 * @throws StartError `folder_unusable` when `binDir` cannot be written
 */
export async function placeNatsServer(binDir: string, produce: (folder: string) => Promise<string>): Promise<string> {
  const folder = await temporaryFolder(resolve(binDir))
  try {
    const program = await produce(folder)
    const target = resolve(binDir, 'nats-server')
    await rename(program, target)
    return target
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function temporaryFolder(binDir: string): Promise<string> {
  try {
    await mkdir(binDir, { recursive: true })
    return await mkdtemp(join(binDir, 'download-'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartError('folder_unusable', `Cannot write to ${binDir}: ${reason}.`, { cause })
  }
}
