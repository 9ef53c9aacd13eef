import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A folder that loses, at a simulated power failure, what was not written to its disk. */
export interface VolatileDisk {
  readonly folder: string
  /** A note for readers of the results. */
  readonly about: string
  /** Writes everything to the disk. */
  sync(): Promise<void>
  /** Loses what was not on the disk. No process may use the folder. */
  failPower(): Promise<void>
  stop(): Promise<void>
}

/**
 * Mounts a file system in an image file: what processes did not sync stays in memory for up to half a minute, as on any
 * machine. If this user may not mount it, uses a folder that is reset to its last {@link VolatileDisk.sync}.
 * @param print prints a line for the person who runs it
 * @param commitIntervalS how often the file system writes its journal, in seconds. Default: ext4's own
 */
export async function createVolatileDisk(print: (line: string) => void, commitIntervalS = 5): Promise<VolatileDisk> {
  const parent = await mkdtemp(join(tmpdir(), 'sluice-exactness-disk-'))
  const folder = join(parent, 'mounted')
  await mkdir(folder)
  try {
    return await mountedImage(parent, folder, commitIntervalS)
  } catch (error) {
    print(`No file system can be mounted here (${error instanceof Error ? error.message.trim() : String(error)}):`)
    print('the power cut takes the folder back to where it was before the demand.')
    return copiedFolder(parent, folder)
  }
}

/** A sparse file: NATS refuses a stream that its disk could not hold in full. */
const IMAGE_SIZE = '24G'

async function mountedImage(parent: string, folder: string, commitIntervalS: number): Promise<VolatileDisk> {
  const image = join(parent, 'disk.img')
  const mount = (file: string) => run('mount', ['-o', `loop,commit=${commitIntervalS}`, file, folder])
  await run('truncate', ['-s', IMAGE_SIZE, image])
  await run('mkfs.ext4', ['-q', image])
  await mount(image)
  return {
    folder,
    about: 'an ext4 image whose unwritten blocks are dropped',
    sync: async () => {
      await run('sync', ['-f', folder])
    },
    failPower: async () => {
      // The image file has what the file system wrote. Unwritten blocks are in memory and go to a file that is not used
      // again.
      const survivor = join(parent, 'survivor.img')
      await run('cp', ['--sparse=always', image, survivor])
      await run('umount', [folder])
      await mount(survivor)
    },
    stop: async () => {
      await run('umount', [folder])
      await rm(parent, { recursive: true })
    },
  }
}

function copiedFolder(parent: string, folder: string): VolatileDisk {
  const copy = join(parent, 'copy')
  return {
    folder,
    about: 'a folder that is reset to its state before the demand, because nothing can be mounted here',
    sync: async () => {
      await rm(copy, { recursive: true, force: true })
      await cp(folder, copy, { recursive: true })
    },
    failPower: async () => {
      await rm(folder, { recursive: true })
      await cp(copy, folder, { recursive: true })
    },
    stop: () => rm(parent, { recursive: true }),
  }
}
