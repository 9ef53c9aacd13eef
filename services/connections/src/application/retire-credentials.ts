import { pause } from '@sluice/service-kit'
import type { ApplicationDeps } from './deps.ts'

export type RetireDeps = Pick<ApplicationDeps, 'credentialHistory' | 'credentialGraceMs' | 'now' | 'logger'>

/**
 * Destroys what is stored of credentials that can no longer be rolled back to; their rows stay as history. Does no harm when several
 * instances do it at a time: a version that was replaced never comes back.
 */
export async function retireCredentials({
  credentialHistory,
  credentialGraceMs,
  now,
  logger,
}: RetireDeps): Promise<void> {
  const destroyed = await credentialHistory.destroyReplacedBefore(new Date(now().getTime() - credentialGraceMs))
  for (const version of destroyed) logger.info(version, 'a replaced credential is destroyed')
}

/** Does so at once, and then every `everyMs` until `signal` is aborted; resolves then. What fails is done the next time. */
export async function keepRetiringCredentials(deps: RetireDeps, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await retireCredentials(deps).catch((err: unknown) => {
      deps.logger.warn({ err }, 'replaced credentials cannot be destroyed for now')
    })
    await pause(everyMs, signal)
  }
}
