export type { AccountRole } from './core/account-role.ts'
export type { Account } from './core/accounts.ts'
export type { Control, Fault } from './core/control.ts'
export { OUTPUT_TOKENS_HEADER, SEED_HEADER } from './core/generation.ts'
export type { Limit, Limits } from './core/limits.ts'
export type { RequestCounts, RequestRecord } from './core/request-log.ts'
export {
  readSignatureClaim,
  type SignatureClaim,
  type SigningKey,
  signatureMatches,
} from './providers/aws-bedrock/signature.ts'
export type { ProviderId } from './providers/providers.ts'
export {
  type ProviderSimulator,
  type ProviderSimulatorOptions,
  startProviderSimulator,
} from './start-provider-simulator.ts'
