// EngineService
