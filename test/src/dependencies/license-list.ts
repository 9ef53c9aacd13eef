import type { LockedPackage } from './locked-packages.ts'

/** A package is under a license that has not been found fit, or under none. */
export class LicenseError extends Error {
  override readonly name = 'LicenseError'
}

/**
 * Licenses under which Sluice may use a package as it comes. All are permissive, but for MPL-2.0, which asks for the source of its own
 * files alone, when they are changed.
 */
const FIT: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MPL-2.0',
  'Unlicense',
])

/**
 * The text of `THIRD-PARTY-LICENSES.md`.
 * @throws LicenseError naming every package whose license is not fit
 */
export function licenseList(packages: readonly LockedPackage[]): string {
  const unfit = packages.filter(({ license }) => !isFit(license))
  if (unfit.length > 0) {
    throw new LicenseError(
      unfit.map(({ name, version, license }) => `${name} ${version}: ${license ?? 'none'}`).join('\n'),
    )
  }
  const rows = packages.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`)
  return `${HEAD}\n${[...new Set(rows)].toSorted().join('\n')}\n`
}

/** Whether an SPDX expression, without parentheses but for those around all of it, allows for a license that is fit. */
function isFit(expression: string | undefined): boolean {
  return (
    expression
      ?.replace(/^\((.*)\)$/, '$1')
      .split(' OR ')
      .some((choice) => choice.split(' AND ').every((license) => FIT.has(license))) ?? false
  )
}

const HEAD = `# Third-party licenses

Every package that Sluice, its tests and its tools are installed with, from \`package-lock.json\`. Made by \`npm run licenses\`.

| package | version | license |
| --- | --- | --- |`
