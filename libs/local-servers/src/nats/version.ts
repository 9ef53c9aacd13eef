import { execa } from 'execa'

/** A release of nats-server. */
export interface NatsVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** The oldest release that runs without a warning: the first with `sync_interval`. */
export const LOWEST_VERSION: NatsVersion = { major: 2, minor: 10, patch: 0 }

const TIMEOUT_MS = 10_000

/**
 * Returns the version of the nats-server at `path`; undefined when the program reports something else, as a custom
 * build may.
 * @throws ExecaError when the program cannot be run or does not end within 10 s
 */
export async function readNatsVersion(path: string): Promise<NatsVersion | undefined> {
  const { stdout } = await execa(path, ['--version'], { timeout: TIMEOUT_MS })
  return parseNatsVersion(stdout)
}

/** Parses `nats-server: v2.9.10`. */
export function parseNatsVersion(text: string): NatsVersion | undefined {
  const [, major, minor, patch] = /\bv(\d+)\.(\d+)\.(\d+)/.exec(text) ?? []
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor), patch: Number(patch) }
}

/** Returns whether `version` is `LOWEST_VERSION` or later; false when it is unknown. */
export function isNewEnough(version: NatsVersion | undefined): boolean {
  if (version === undefined) return false
  const difference =
    version.major - LOWEST_VERSION.major || version.minor - LOWEST_VERSION.minor || version.patch - LOWEST_VERSION.patch
  return difference >= 0
}

export function versionText(version: NatsVersion | undefined): string {
  return version === undefined ? 'of unknown version' : `${version.major}.${version.minor}.${version.patch}`
}
