import { GoogleGenAI, type PartListUnion } from '@google/genai'
import { type Content, type GenerateContentResult, GoogleGenerativeAI, SchemaType } from '@google/generative-ai'
import {
  type Client,
  type ClientUnderTest,
  EMBEDDINGS,
  LEVEL_JSON_SCHEMA,
  MAX_OUTPUT_TOKENS,
  MODELS,
  PROMPT,
  readSdkError,
  TOOL,
} from './client.ts'

/** Google's current SDK, with tools through its chats. */
export const genai: ClientUnderTest = {
  title: '@google/genai',
  provider: 'google',
  surface: 'native',
  model: MODELS.google,
  ...(EMBEDDINGS.google && { embedding: EMBEDDINGS.google }),
  errors: { 401: 'ApiError', 404: 'ApiError', 429: 'ApiError' },
  readError: readSdkError,
  create: ({ baseURL: baseUrl, apiKey, model, embeddingModel }): Client => {
    const ai = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } })
    const config = { maxOutputTokens: MAX_OUTPUT_TOKENS }
    type Response = Awaited<ReturnType<typeof ai.models.generateContent>>
    const responseOf = ({ usageMetadata }: Pick<Response, 'usageMetadata'>, text: string | undefined) => ({
      text: text ?? '',
      inputTokens: usageMetadata?.promptTokenCount,
      outputTokens: usageMetadata?.candidatesTokenCount,
    })
    return {
      ask: async () => {
        const response = await ai.models.generateContent({ model, contents: PROMPT, config })
        return responseOf(response, response.text)
      },
      stream: async (onText, signal) => {
        const streaming = { ...config, ...(signal && { abortSignal: signal }) }
        let text = ''
        let last: Response | undefined
        for await (const chunk of await ai.models.generateContentStream({
          model,
          contents: PROMPT,
          config: streaming,
        })) {
          if (chunk.text) onText?.(chunk.text)
          text += chunk.text ?? ''
          last = chunk
        }
        return responseOf(last ?? {}, text)
      },
      // Through a chat, which keeps the history and with it whatever the model wants to see again.
      useTool: async (how) => {
        const calls: unknown[] = []
        const { name, description, jsonSchema: parametersJsonSchema } = TOOL
        const tools = [{ functionDeclarations: [{ name, description, parametersJsonSchema }] }]
        const chat = ai.chats.create({ model, config: { ...config, tools } })
        let tokens = 0
        let message: PartListUnion = PROMPT
        for (;;) {
          const responses: readonly Response[] =
            how === 'plain'
              ? [await chat.sendMessage({ message })]
              : await Array.fromAsync(await chat.sendMessageStream({ message }))
          tokens += responses.at(-1)?.usageMetadata?.totalTokenCount ?? Number.NaN
          const called = responses.flatMap(({ functionCalls }) => functionCalls ?? [])
          if (called.length === 0) return { calls, text: responses.map(({ text }) => text ?? '').join(''), tokens }
          calls.push(...called.map(({ args }) => args))
          message = called.map(({ id, name = '' }) => ({
            functionResponse: { name, response: { output: TOOL.result }, ...(id !== undefined && { id }) },
          }))
        }
      },
      structured: async () => {
        const schema = { responseMimeType: 'application/json', responseJsonSchema: LEVEL_JSON_SCHEMA }
        const response = await ai.models.generateContent({ model, contents: PROMPT, config: { ...config, ...schema } })
        return JSON.parse(response.text ?? '')
      },
      embed: async (contents) => {
        const { embeddings = [] } = await ai.models.embedContent({ model: embeddingModel, contents })
        return embeddings.map(({ values }) => values ?? [])
      },
    }
  },
}

/** Google's previous SDK. */
export const generativeAi: ClientUnderTest = {
  title: '@google/generative-ai',
  provider: 'google',
  surface: 'native',
  model: MODELS.google,
  ...(EMBEDDINGS.google && { embedding: EMBEDDINGS.google }),
  errors: {
    401: 'GoogleGenerativeAIFetchError',
    404: 'GoogleGenerativeAIFetchError',
    429: 'GoogleGenerativeAIFetchError',
  },
  readError: readSdkError,
  create: ({ baseURL: baseUrl, apiKey, model, embeddingModel }): Client => {
    const google = new GoogleGenerativeAI(apiKey)
    const generationConfig = { maxOutputTokens: MAX_OUTPUT_TOKENS }
    const generative = google.getGenerativeModel({ model, generationConfig }, { baseUrl })
    const responseOf = ({ response }: GenerateContentResult) => ({
      text: response.text(),
      inputTokens: response.usageMetadata?.promptTokenCount,
      outputTokens: response.usageMetadata?.candidatesTokenCount,
    })
    return {
      ask: async () => responseOf(await generative.generateContent(PROMPT)),
      stream: async (onText, signal) => {
        const { stream, response } = await generative.generateContentStream(PROMPT, { ...(signal && { signal }) })
        // It rejects with the stream, and then nothing awaits it.
        response.catch(() => undefined)
        for await (const chunk of stream) onText?.(chunk.text())
        return responseOf({ response: await response })
      },
      useTool: async (how) => {
        const calls: unknown[] = []
        const parameters = { type: SchemaType.OBJECT, properties: { gate: { type: SchemaType.STRING as const } } }
        const { name, description } = TOOL
        const tools = [{ functionDeclarations: [{ name, description, parameters }] }]
        const withTools = google.getGenerativeModel({ model, generationConfig, tools }, { baseUrl })
        // Its chats forget a turn whose stream ends with an empty text, as those with a function call do: the history
        // is kept by hand.
        const contents: Content[] = [{ role: 'user', parts: [{ text: PROMPT }] }]
        let tokens = 0
        for (;;) {
          const { response }: GenerateContentResult =
            how === 'plain'
              ? await withTools.generateContent({ contents })
              : await drained(withTools.generateContentStream({ contents }))
          tokens += response.usageMetadata?.totalTokenCount ?? Number.NaN
          const called = response.functionCalls() ?? []
          if (called.length === 0) return { calls, text: response.text(), tokens }
          calls.push(...called.map(({ args }) => args))
          const results = called.map(({ name }) => ({ functionResponse: { name, response: { output: TOOL.result } } }))
          contents.push({ role: 'model', parts: called.map((functionCall) => ({ functionCall })) })
          contents.push({ role: 'function', parts: results })
        }
      },
      structured: async () => {
        const responseSchema = {
          type: SchemaType.OBJECT as const,
          properties: {
            gate: { type: SchemaType.STRING as const },
            meters: { type: SchemaType.NUMBER as const },
            tide: { type: SchemaType.STRING as const, format: 'enum' as const, enum: ['ebb', 'flow'] },
          },
          required: ['gate', 'meters', 'tide'],
        }
        const { response } = await generative.generateContent({
          contents: [{ role: 'user', parts: [{ text: PROMPT }] }],
          generationConfig: { ...generationConfig, responseMimeType: 'application/json', responseSchema },
        })
        return JSON.parse(response.text())
      },
      embed: async (texts) => {
        const requests = texts.map((text) => ({ content: { role: 'user', parts: [{ text }] } }))
        const embedder = google.getGenerativeModel({ model: embeddingModel }, { baseUrl })
        return (await embedder.batchEmbedContents({ requests })).embeddings.map(({ values }) => values)
      },
    }
  },
}

/** Reads a stream to its end and returns the complete response. */
async function drained(
  generating: ReturnType<ReturnType<GoogleGenerativeAI['getGenerativeModel']>['generateContentStream']>,
) {
  const { stream, response } = await generating
  await Array.fromAsync(stream)
  return { response: await response }
}
