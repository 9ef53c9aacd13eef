import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { itWhere, smallDisk, temporaryFolder, whyNoSmallDisk } from '@sluice/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { assertDiskSpace, enoughBytes, isEnough, isLow, lowBytes } from '../src/disk-space.ts'

const GIB = 1024 ** 3
const disk = (sizeBytes: number, freeBytes: number) => ({ sizeBytes, freeBytes, freeFiles: undefined })

it('space is low below 1 GiB, or a tenth of a small file system', () => {
  expect(lowBytes(disk(500 * GIB, 0))).toBe(GIB)
  expect(lowBytes(disk(2 * GIB, 0))).toBeCloseTo(0.2 * GIB)
})

it('space stays low until it is a quarter above the threshold', () => {
  const at = (freeGib: number) => disk(500 * GIB, freeGib * GIB)
  expect([isLow(at(0.99), false), isLow(at(1.01), false)]).toEqual([true, false])
  expect([isLow(at(1.2), true), isLow(at(1.3), true)]).toEqual([true, false])
})

it('128 MiB are enough, or a twentieth of a small file system, if files can still be made', () => {
  expect(enoughBytes(disk(500 * GIB, 0))).toBe(GIB / 8)
  expect(isEnough(disk(GIB, 0.04 * GIB))).toBe(false)
  expect(isEnough(disk(GIB, 0.06 * GIB))).toBe(true)
  expect(isEnough({ ...disk(GIB, GIB), freeFiles: 5 })).toBe(false)
})

it('checks the parent of a folder that does not exist yet', async () => {
  await assertDiskSpace(join(await temporaryFolder(), 'not/yet'))
})

const whyNot = await whyNoSmallDisk()

itWhere(whyNot === undefined, `${whyNot}`, 'says how much to free when the disk is full', async () => {
  const small = await smallDisk(64)
  onTestFinished(() => small.remove())
  await mkdir(join(small.path, 'data'))
  await assertDiskSpace(join(small.path, 'data'))
  await small.fill()
  await expect(assertDiskSpace(join(small.path, 'data'))).rejects.toMatchObject({
    code: 'disk_full',
    message: `The disk is full: 0 bytes free of 64.0 MiB in ${small.path}/data. Free at least 3.2 MiB, then start again.`,
  })
})
