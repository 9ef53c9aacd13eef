export { providerAdapter } from './adapters.ts'
export { type BaseUrlRules, baseUrlFault } from './base-url.ts'
export { CATALOGUE, type CatalogueEntry, catalogueEntry, secretFields } from './catalogue.ts'
export { openAiErrorAnswer } from './openai/errors.ts'
export type {
  AnswerReader,
  ErrorAnswer,
  ErrorToFormat,
  Operation,
  ProviderAdapter,
  ProviderConfig,
  RateLimitReading,
  RequestInspection,
  SecretHolder,
  WireHeaders,
} from './provider-adapter.ts'
export { isForbiddenUpstreamAddress, isLoopbackAddress, isMetadataHostname } from './upstream-address.ts'
