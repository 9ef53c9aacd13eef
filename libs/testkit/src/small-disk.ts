import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { promisify } from 'node:util'
import { temporaryFolder } from './run-context.ts'

/** A file system of a few megabytes, which a server can fill. */
export interface SmallDisk {
  readonly path: string
  freeBytes(): Promise<number>
  /** Makes room: the file system has this size from now on. */
  grow(megabytes: number): Promise<void>
  remove(): Promise<void>
}

const run = promisify(execFile)

/** Whether this process may mount file systems: as root on Linux. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0

/** Mounts an empty file system in memory. Where {@link canMount} is false it fails. */
export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const path = await temporaryFolder()
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'sluice-test', path])
  return {
    path,
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(path)
      return bavail * bsize
    },
    grow: async (size) => {
      await run('mount', ['-o', `remount,size=${size}m`, path])
    },
    // Lazily: a server that was killed may still hold files.
    remove: async () => {
      await run('umount', ['-l', path])
    },
  }
}
