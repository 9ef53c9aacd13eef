/** One package of somebody else's as the lockfile has it. */
export interface LockedPackage {
  /** Where it is installed: `node_modules/…`. */
  readonly path: string
  readonly name: string
  readonly version: string
  /** SPDX expression; of a platform's build that of the package that it is built for, where it states none. */
  readonly license: string | undefined
  readonly integrity: string | undefined
  /** Where it was downloaded from. */
  readonly resolved: string | undefined
  /** Asks npm to run a program of its own when it is installed. */
  readonly hasInstallScript: boolean
}

interface LockEntry {
  readonly version?: string
  readonly license?: string
  readonly integrity?: string
  readonly resolved?: string
  /** A workspace of this project. */
  readonly link?: boolean
  readonly hasInstallScript?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The packages of a `package-lock.json` of version 3, the project's own left out. */
export function lockedPackages(lockfile: string): LockedPackage[] {
  const { packages }: { packages: Record<string, LockEntry> } = JSON.parse(lockfile)
  const entries = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link)
  const licenseOfWhole = new Map<string, string | undefined>()
  for (const [, { optionalDependencies = {}, license }] of entries) {
    for (const name of Object.keys(optionalDependencies)) licenseOfWhole.set(name, license)
  }
  return entries.map(([path, entry]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    return {
      path,
      name,
      version: entry.version ?? '',
      license: entry.license ?? licenseOfWhole.get(name),
      integrity: entry.integrity,
      resolved: entry.resolved,
      hasInstallScript: entry.hasInstallScript === true,
    }
  })
}
