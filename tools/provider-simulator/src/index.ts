export type { Account } from './core/accounts.ts'
export type { Control, Fault } from './core/controls.ts'
export { OUTPUT_TOKENS_HEADER, SEED_HEADER } from './core/generation.ts'
export type { Limit, Limits } from './core/rate-limiter.ts'
export type { RequestCounts, RequestRecord } from './core/request-log.ts'
export {
  type ProviderSimulator,
  type ProviderSimulatorOptions,
  startProviderSimulator,
} from './provider-simulator.ts'
export type { ProviderId } from './providers.ts'
