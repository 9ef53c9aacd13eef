import { execFile } from 'node:child_process'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from './run-context.ts'

const run = promisify(execFile)
const MIB = 1024 ** 2

/** A small file system of the caller's own, which can be filled. */
export interface SmallDisk {
  readonly path: string
  /** Takes all the space that is left. */
  fill(): Promise<void>
  /** Gives back what `fill` took. */
  free(): Promise<void>
  freeBytes(): Promise<number>
  /** Makes room: the file system has `sizeMib` MiB from now on. */
  grow(sizeMib: number): Promise<void>
  /** Unmounts it, with all it held. */
  remove(): Promise<void>
}

/** Why `smallDisk` cannot be had here; undefined where it can. */
export async function whyNoSmallDisk(): Promise<string | undefined> {
  try {
    await (await mountAt(await temporaryFolder(), 1)).remove()
    return undefined
  } catch (error) {
    return `no file system can be mounted here: ${error instanceof Error ? error.message.trim() : String(error)}`
  }
}

/** Mounts a file system in memory (tmpfs) of `sizeMib` MiB. @throws Error when this user may not mount */
export async function smallDisk(sizeMib: number): Promise<SmallDisk> {
  return mountAt(await temporaryFolder(), sizeMib)
}

async function mountAt(path: string, sizeMib: number): Promise<SmallDisk> {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', path])
  const ballast = join(path, 'ballast')
  return {
    path,
    fill: async () => {
      const file = await open(ballast, 'a')
      try {
        for (const piece of [Buffer.alloc(MIB), Buffer.alloc(1)]) await writeUntilFull(file, piece)
      } finally {
        await file.close()
      }
    },
    free: () => rm(ballast),
    freeBytes: async () => {
      const { bavail, bsize } = await statfs(path)
      return bavail * bsize
    },
    grow: async (size) => {
      await run('mount', ['-o', `remount,size=${size}m`, path])
    },
    // Lazily: a process may just be ending that has a file of it open.
    remove: async () => {
      await run('umount', ['-l', path])
    },
  }
}

async function writeUntilFull(file: { write(data: Buffer): Promise<unknown> }, piece: Buffer): Promise<void> {
  for (;;) {
    try {
      await file.write(piece)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
      throw error
    }
  }
}
