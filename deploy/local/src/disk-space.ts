import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StartError } from '@sluice/local-servers'

/** The free space of a file system for a process without privileges. */
export interface DiskSpace {
  readonly freeBytes: number
  readonly sizeBytes: number
  /** Undefined when the file system has no fixed number of files. */
  readonly freeFiles: number | undefined
}

const MIB = 1024 ** 2
const LOW_BYTES = 1024 * MIB
const LOW_FRACTION = 0.1
const ENOUGH_BYTES = 128 * MIB
const ENOUGH_FRACTION = 0.05
const ENOUGH_FILES = 1_000
/**
 * Space that was low stays low until it is this much above the threshold: a value close to it must not fill the log.
 */
const HYSTERESIS = 1.25

/** Reads the free space of `path`'s file system. @throws the system's error when there is no such path */
export async function readDiskSpace(path: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize, files, ffree } = await statfs(path)
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize, freeFiles: files === 0 ? undefined : ffree }
}

/** Returns the number of free bytes below which to warn: 1 GiB, or a tenth of a file system smaller than 10 GiB. */
export function lowBytes({ sizeBytes }: DiskSpace): number {
  return Math.min(LOW_BYTES, sizeBytes * LOW_FRACTION)
}

/** Returns whether space is low. @param wasLow whether it was low at the last check */
export function isLow(space: DiskSpace, wasLow: boolean): boolean {
  return space.freeBytes < lowBytes(space) * (wasLow ? HYSTERESIS : 1)
}

/**
 * Returns the number of free bytes that the servers need to start and to store: 128 MiB, or a twentieth of a file
 * system smaller than 2.5 GiB.
 */
export function enoughBytes({ sizeBytes }: DiskSpace): number {
  return Math.min(ENOUGH_BYTES, sizeBytes * ENOUGH_FRACTION)
}

export function isEnough(space: DiskSpace): boolean {
  return space.freeBytes >= enoughBytes(space) && (space.freeFiles === undefined || space.freeFiles >= ENOUGH_FILES)
}

/** Returns `12.3 MiB free of 2.0 GiB in /path`, with the number of further files when few are left. */
export function describeSpace(path: string, space: DiskSpace): string {
  const { freeBytes, sizeBytes, freeFiles } = space
  const files = freeFiles === undefined || freeFiles >= ENOUGH_FILES ? '' : ` (and room for ${freeFiles} more files)`
  return `${bytesText(freeBytes)} free of ${bytesText(sizeBytes)}${files} in ${path}`
}

export function bytesText(bytes: number): string {
  if (bytes < MIB) return `${Math.round(bytes)} bytes`
  return bytes < 1024 * MIB ? `${(bytes / MIB).toFixed(1)} MiB` : `${(bytes / 1024 / MIB).toFixed(1)} GiB`
}

/**
 * Makes sure that servers that store in `path` can start: on a full disk they fail in ways that do not mention the
 * disk.
 * @throws StartError `disk_full`, saying how much to free
 */
export async function assertDiskSpace(path: string): Promise<void> {
  const space = await readDiskSpaceOfNearest(path)
  if (isEnough(space)) return
  throw new StartError(
    'disk_full',
    `The disk is full: ${describeSpace(path, space)}. Free at least ${bytesText(enoughBytes(space))}, then start again.`,
  )
}

/** Reads the space of the nearest existing folder above: `path` may not exist yet. */
async function readDiskSpaceOfNearest(path: string): Promise<DiskSpace> {
  try {
    return await readDiskSpace(path)
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing || dirname(path) === path) throw error
    return readDiskSpaceOfNearest(dirname(path))
  }
}
