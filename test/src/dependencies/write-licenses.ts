import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { licenseList, lockedPackages } from './licenses.ts'

const projectDir = join(import.meta.dirname, '../../..')
const lockfile = await readFile(join(projectDir, 'package-lock.json'), 'utf8')
await writeFile(join(projectDir, 'THIRD-PARTY-LICENSES.md'), licenseList(lockedPackages(lockfile)))
