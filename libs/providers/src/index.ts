export { providerAdapter } from './adapters.ts'
export { type BedrockRole, readBedrockRole, regionFault } from './aws-bedrock/role.ts'
export { type BedrockQuota, readBedrockQuota } from './aws-bedrock/service-quotas.ts'
export { CATALOGUE, type CatalogueEntry, catalogueEntry, secretFields } from './catalogue.ts'
export { type ProviderError, rejectsCredential } from './credential-rejection.ts'
export type { ExpectedTokens, LimitCounting, LimitedTokens } from './limits.ts'
export { promptPool } from './limits.ts'
export { ambiguousMember, foldedName } from './naming/ambiguous-member.ts'
export { pathModels, queryModels, UNLISTED_MEMBERS, UNREPORTED_MODEL } from './naming/named-models.ts'
export { openAiErrorResponse, openAiErrorType } from './openai/errors.ts'
export { withoutAddition } from './openai/inspection.ts'
export type {
  BackgroundReading,
  BodyAddition,
  ErrorResponse,
  ErrorToFormat,
  Operation,
  PartialUsage,
  ProviderAdapter,
  ProviderConfig,
  RequestInspection,
  ResponseReader,
  SecretHolder,
} from './provider-adapter.ts'
export type {
  ImagesNeeded,
  InlineImage,
  ListedModel,
  ModelList,
  ModelPage,
  NativeCall,
  Refusal,
  RequestedResponse,
  ResponseTranslation,
  ResponseTranslator,
  TranslatedError,
  Translation,
  UnifiedApi,
  UnifiedOperation,
  UnifiedRequest,
} from './unified-api.ts'
export type { WireHeaders } from './wire/headers.ts'
export { isRecord, parseJson } from './wire/json.ts'
export { jsonObjectFault } from './wire/json-fault.ts'
export { JsonStructure, MAX_DEPTH, MAX_ITEMS, MAX_MEMBERS, mayHoldJson } from './wire/json-structure.ts'
export { SNIFFED_BYTES, sniffMediaType, usualMediaType } from './wire/media-type.ts'
