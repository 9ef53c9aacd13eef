import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { createVolatileDisk, type VolatileDisk } from '../exactness/volatile-disk.ts'

let disk: VolatileDisk | undefined
afterEach(() => disk?.stop())

it('a power failure keeps synced data and loses data written afterwards', async () => {
  // No journal is written in between, however busy the machine is.
  disk = await createVolatileDisk((line) => console.log(line), 300)
  await writeFile(join(disk.folder, 'synced'), 'a')
  await disk.sync()
  await writeFile(join(disk.folder, 'written'), 'b')
  await disk.failPower()
  const names = await readdir(disk.folder)
  expect(names).toContain('synced')
  expect(names).not.toContain('written')
})
