import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { licenseList } from './license-list.ts'
import { type LockedPackage, lockedPackages } from './locked-packages.ts'

const projectDir = join(import.meta.dirname, '../../..')
const read = (path: string) => readFile(join(projectDir, path), 'utf8')
const packages = lockedPackages(await read('package-lock.json'))

/** Builds of two development tools for other platforms, which the registry that the lockfile was made with did not have. */
const NOT_SEEN = /^(@biomejs\/cli|@turbo\/)/

it('the lockfile pins every package by its version and checksum, and says nothing of where it came from', () => {
  expect(packages.length).toBeGreaterThan(100)
  expect(packages.filter(({ version }) => !/^\d+\.\d+\.\d+/.test(version))).toEqual([])
  expect(packages.filter(({ resolved }) => resolved !== undefined)).toEqual([])
  const unpinned = packages.filter(({ integrity }) => integrity?.startsWith('sha512-') !== true)
  expect(unpinned.filter(({ isPlatformBuild, name }) => !isPlatformBuild || !NOT_SEEN.test(name))).toEqual([])
})

it('every license is fit, and listed in THIRD-PARTY-LICENSES.md', async () => {
  expect(await read('THIRD-PARTY-LICENSES.md')).toBe(licenseList(packages))
})

it('every package that is installed states the license that the lockfile has', async () => {
  const different = await Promise.all(
    packages.map(async ({ path, license }) => {
      const stated = await installedLicense(path)
      return stated === undefined || stated === license ? [] : [`${path}: ${stated}, not ${license}`]
    }),
  )
  expect(different.flat()).toEqual([])
})

it.each([['GPL-3.0-only'], ['MIT AND GPL-3.0-only'], ['SEE LICENSE IN license.txt'], [undefined]])(
  'a package under %s is refused',
  (license) => {
    expect(() => licenseList([aPackage(license)])).toThrow(`odd 1.0.0: ${license ?? 'none'}`)
  },
)

it.each([['MIT'], ['GPL-3.0-only OR MIT'], ['MIT AND ISC']])('a package under %s is listed', (license) => {
  expect(licenseList([aPackage(license)])).toContain(`| odd | 1.0.0 | ${license} |`)
})

function aPackage(license: string | undefined): LockedPackage {
  const path = 'node_modules/odd'
  return {
    path,
    name: 'odd',
    version: '1.0.0',
    license,
    integrity: undefined,
    resolved: undefined,
    isPlatformBuild: false,
  }
}

/** Undefined where the package is for another platform. */
async function installedLicense(path: string): Promise<string | undefined> {
  try {
    return JSON.parse(await read(join(path, 'package.json'))).license
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
