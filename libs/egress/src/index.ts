export { isForbiddenUpstreamAddress, isLoopbackAddress, isMetadataHostname, isPublicAddress } from './addresses.ts'
export { type BaseUrlRules, baseUrlFault } from './base-url.ts'
export { createEgressAgents, createEgressFetch, type EgressFetch, egressConnector } from './egress-clients.ts'
export {
  createEgressPolicy,
  type EgressPolicy,
  type EgressPolicyOptions,
  type Lookup,
  UpstreamAddressError,
} from './egress-policy.ts'
export { redactorOf, type SecretFields, SecretRedactor } from './redaction/secret-redactor.ts'
export type { StreamRedactor } from './redaction/stream-redactor.ts'
export {
  type AwsIdentity,
  createRoleAssumer,
  type RoleAssumer,
  type RoleToAssume,
  type TemporaryCredentials,
} from './role-assumer.ts'
