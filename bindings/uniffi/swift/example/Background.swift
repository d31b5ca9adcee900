import ChatEngine
import SwiftUI
import UIKit

/// Lets go of the file while the app sleeps.
struct Sleeping: ViewModifier {
    let engine: ChatEngine
    @Environment(\.scenePhase) private var phase

    func body(content: Content) -> some View {
        content.onChange(of: phase) { _, phase in
            Task {
                switch phase {
                case .background:
                    let time = UIApplication.shared.beginBackgroundTask()
                    try? await engine.suspend()
                    UIApplication.shared.endBackgroundTask(time)
                case .active: try await resume()
                default: break
                }
            }
        }
    }

    /// Goes on with the file. While another process, such as a notification extension, has it, that fails for now.
    private func resume() async throws {
        while true {
            do {
                return try await engine.resume()
            } catch let error as ChatError where error.isRetryable {
                try await Task.sleep(nanoseconds: 200_000_000)
            }
        }
    }
}
