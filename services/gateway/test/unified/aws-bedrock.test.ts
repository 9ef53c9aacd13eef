import { startBedrockPath } from '../support/start-bedrock-path.ts'
import { unifiedSuite } from '../support/unified-suite.ts'

unifiedSuite({
  provider: 'aws-bedrock',
  model: 'anthropic.claude-haiku-4-5-20251001-v1:0',
  missing: { model: 'none-such', status: 400 },
  reasoning: {
    model: 'anthropic.claude-haiku-4-5-20251001-v1:0',
    shownAs: 'reasoning_content',
    isCounted: false,
  },
  withoutReasoning: 'amazon.nova-lite-v1:0',
  refuses: { parameter: 'seed', value: 7 },
  embeddingModel: 'amazon.titan-embed-text-v2:0',
  start: startBedrockPath,
})
