"""Models behind vLLM's OpenAI server, which is a process of its own: nothing here imports vllm."""
