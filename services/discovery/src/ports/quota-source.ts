import type { BedrockRole } from '@sluice/providers'
import type { AccountQuota } from '../domain/quota-readings.ts'

/** Where the provider tells an account's quotas. */
export interface QuotaSource {
  /**
   * Everything that the role's account has quotas of, in the role's region.
   * @throws SluiceError `forbidden` when the role may not be assumed or may not read them, `rate_limited`, `upstream_unreachable`, or
   *   `unavailable` when the service has no identity to assume roles with
   */
  quotasOf(role: BedrockRole): Promise<readonly AccountQuota[]>
}
