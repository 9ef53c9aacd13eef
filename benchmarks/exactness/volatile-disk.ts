import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A folder that forgets, at a power cut, what was not written to its disk. */
export interface VolatileDisk {
  readonly folder: string
  /** What a reader of the results has to know of it. */
  readonly about: string
  /** Everything that is there now is on the disk. */
  sync(): Promise<void>
  /** What was not on the disk is gone. Nothing may run on it. */
  cutPower(): Promise<void>
  stop(): Promise<void>
}

/**
 * Mounts a file system of its own in an image file: what its processes did not sync is in memory for up to half a minute, as on any
 * machine. Where this user may not mount it, takes a folder that goes back to its last {@link VolatileDisk.sync}.
 * @param print takes one line for the operator
 * @param commitIntervalS after so many seconds the file system writes its journal; ext4's own default unless given
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

/** Mostly holes: NATS takes no stream that its disk could not hold in full. */
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
    cutPower: async () => {
      // The image's file holds what the file system has written; what it has not is in memory, and goes to a file that is not used again.
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
    about: 'a folder that goes back to where it was before the demand, for nothing can be mounted here',
    sync: async () => {
      await rm(copy, { recursive: true, force: true })
      await cp(folder, copy, { recursive: true })
    },
    cutPower: async () => {
      await rm(folder, { recursive: true })
      await cp(copy, folder, { recursive: true })
    },
    stop: () => rm(parent, { recursive: true }),
  }
}
